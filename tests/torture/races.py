"""Many at once on one record. What they leave behind is looked at by the invariants."""

from client import Client, owner
from house import House
from waits import together

WRITERS = 12


def one_record(part) -> None:
    """Tasks of one deal are completed: which is its next one? One company is changed: what does the feed tell?"""
    house = House(part).start()
    api = owner(house)
    for turn in range(15 if part.short else 50):
        deal = api.post("/deals", {"title": f"Deal {turn}"})["id"]
        company = api.post("/companies", {"name": f"Company {turn}"})["id"]
        due = [{"title": "To do", "deal_id": deal, "due_at": f"2031-01-{1 + n % 28:02}T12:00:00Z"} for n in range(3 * WRITERS)]
        made = api.post("/tasks/batch-create", {"items": due})["results"]

        def write(n: int) -> None:
            mine = Client(house, api.token)
            for again in range(3):
                # The first are completed first, by all at the same time.
                mine.post(f"/tasks/{made[again * WRITERS + n]['id']}/complete", {})
                changed = mine.ask("PATCH", f"/companies/{company}", {"sector": f"S{n}-{again}"})
                part.check(changed.status == 200, f"a change is answered {changed.status} {changed.code}")

        together(WRITERS, write)
    house.invariants(part)
    house.close()

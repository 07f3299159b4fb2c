"""Concurrent writes to one record; the invariants check the result."""

from client import Client, owner
from server import Server
from waits import together

WRITERS = 12


def one_record(part) -> None:
    """Completes the tasks of one deal and changes one company concurrently; next tasks and events must be right."""
    server = Server(part).start()
    api = owner(server)
    for turn in range(15 if part.short else 50):
        deal = api.post("/deals", {"title": f"Deal {turn}"})["id"]
        company = api.post("/companies", {"name": f"Company {turn}"})["id"]
        due = [{"title": "To do", "deal_id": deal, "due_at": f"2031-01-{1 + n % 28:02}T12:00:00Z"} for n in range(3 * WRITERS)]
        made = api.post("/tasks/batch-create", {"items": due})["results"]

        def write(n: int) -> None:
            mine = Client(server, api.token)
            for again in range(3):
                # All clients complete the earliest tasks first, at the same time.
                mine.post(f"/tasks/{made[again * WRITERS + n]['id']}/complete", {})
                changed = mine.ask("PATCH", f"/companies/{company}", {"sector": f"S{n}-{again}"})
                part.check(changed.status == 200, f"a change is answered {changed.status} {changed.code}")

        together(WRITERS, write)
    server.invariants(part)
    server.close()

"""Things that die: the server, its PostgreSQL, the worker of a job."""

import os
import random
import signal
import time

from client import Client, Lost, form, owner
from house import Database, House, Probe, wait
from load import Load, check


def import_people(api: Client, rows: int) -> tuple[str, str]:
    """Starts an import in which every name stands twice, so that a run that begins anew would mistake one for the other."""
    names = "".join(f"Person {n % (rows // 2)}\n" for n in range(rows))
    body, headers = form(f"last_name\n{names}".encode(), "people.csv", {"resource": "contacts"})
    made = api.post("/imports", body, headers=headers)["id"]
    return made, api.post(f"/imports/{made}/run", {})["id"]


def ended(api: Client, job: str, seconds: float) -> dict:
    """Waits for a job; a server that is away is asked again."""
    last = {}

    def over() -> bool:
        nonlocal last
        try:
            answer = api.ask("GET", f"/jobs/{job}")
        except Lost:
            return False
        if answer.status == 200:
            last = answer.json
        return last.get("status") not in (None, "queued", "running")

    wait(over, seconds, f"a job does not end: {last}", 0.2)
    return last


def check_import(part, api: Client, started: tuple[str, str], rows: int, seconds: float = 90) -> None:
    made, job = started
    last = ended(api, job, seconds)
    status, done = last["status"], last["done"]
    part.check((status, done) == ("succeeded", rows), f"an import ended as {status} ({last['error']}) at {done} of {rows}")
    report = api.get(f"/imports/{made}")["report"]
    created, failed = report["created"], report["failed"]
    part.check((created, failed) == (rows, 0), f"an import says it made {created} of {rows}, {failed} failed")
    workspace = f"(select workspace_id from jobs where id = '{job}')"
    found = api.house.sql(f"select count(*) from contacts where last_name like 'Person %' and workspace_id = {workspace}")
    part.check(found == [[str(rows)]], f"an import of {rows} rows made {found[0][0]}")


def check_bulk(part, api: Client, job: str, records: int) -> None:
    last = ended(api, job, 90)
    succeeded = (last.get("result") or {}).get("succeeded")
    part.check((last["status"], succeeded) == ("succeeded", records), f"work on {records} records ended as {last['status']} with {succeeded}")
    twice = api.house.sql("select count(*) from companies where sector = 'worked on' and version <> 2")
    done = api.house.sql("select count(*) from companies where sector = 'worked on'")
    part.check((twice, done) == ([["0"]], [[str(records)]]), f"work on {records} records changed {done[0][0]}, {twice[0][0]} of them not once")


def server(part) -> None:
    """The server dies in the middle of a thousand writes, while an import and work on a selection go on."""
    writes, rows, kills = (350, 4000, 1) if part.short else (1000, 8000, 3)
    house = House(part).start()
    load = Load(house, part, part.seed, may_lose=True)
    items = [{"name": f"Worked on {n}", "tags": ["bulk"]} for n in range(600)]
    load.client.post("/companies/batch-create", {"items": items})
    started = import_people(load.client, rows)
    selection = {"all": [{"field": "tags", "op": "eq", "values": ["bulk"]}]}
    bulk = load.client.post("/companies/bulk-update", {"selection": selection, "changes": {"sector": "worked on"}})["id"]
    load.begin(writes)
    chance = random.Random(part.seed)
    for kill in range(1, kills + 1):
        load.more(writes // (kills + 1) - 10)
        if kill == 1:
            done = house.sql(f"select done from jobs where id = '{started[1]}'")[0][0]
            part.check(int(done) < rows, "the import was over before the server was killed")
        house.kill()
        if kill == 2:
            # Once more, while it is starting.
            house.spawn()
            time.sleep(chance.random() / 2)
            house.kill()
        begin = time.monotonic()
        house.start()
        part.note(f"back after {time.monotonic() - begin:.1f} s")
    load.join()
    check(load, part)
    check_import(part, load.client, started, rows)
    check_bulk(part, load.client, bulk, len(items))
    house.invariants(part)
    house.close()


def database(part) -> None:
    """PostgreSQL dies again and again; the server stays, says so, and has it back within ten seconds."""
    house = House(part).start()
    load = Load(house, part, part.seed)
    started = import_people(load.client, 4000)
    times = []
    with Probe(house) as health:
        load.begin(10**6)
        for turn in range(1 if part.short else 5):
            load.more(60)
            # A kill, and what `pg_ctl stop -m immediate` does; once it cannot come back for a while.
            number, held = signal.SIGQUIT if turn % 2 else signal.SIGKILL, 0 if turn else 4
            times.append(kill_database(part, house, health, number, held))
        load.more(60)
        load.end()
    part.check(max(times) < 10, f"ready only {max(times):.1f} s after the database could come back")
    part.note(f"ready again after {', '.join(f'{seconds:.1f}' for seconds in times)} s")
    check(load, part)
    check_import(part, load.client, started, 4000)
    house.invariants(part)
    house.close()


def kill_database(part, house: House, health: Probe, number: int, held: float) -> float:
    """Says how long the server was unready after the database could come back."""
    settings = house.folder / "data/postgres/data/postgresql.conf"
    away = settings.with_suffix(".away")
    if held:
        settings.rename(away)
    before, begin = house.postmaster(), time.monotonic()
    os.kill(before, number)
    if held:
        time.sleep(held)
        away.rename(settings)

    def back() -> bool:
        return house.postmaster() not in (0, before) and health.ready_since(begin + held + 0.3)

    wait(back, 60, "the database does not come back", 0.02)
    down = health.unready(begin)
    part.check(down or not held, "/health/ready never said 503 while the database was away")
    return max(0.0, max(down, default=0) - begin - held)


def worker(part) -> None:
    """A worker sleeps longer than its lease, as on a machine that was paused; another takes its job up, then both are awake: the work
    is done once."""
    rows = 8000
    postgres = Database(part)
    postgres.make("leases")
    house = House(part, "server", postgres, "leases", flags=("--no-work",)).start()
    first = House(part, "first", postgres, "leases", command="work").start()
    api = owner(house)
    started = import_people(api, rows)

    def done() -> int:
        return int(house.sql(f"select done from jobs where id = '{started[1]}'")[0][0])

    wait(lambda: done() > 0, 30, "the import does not begin", 0.005)
    # Within a transaction, so that it goes on where it was.
    os.kill(first.process.pid, signal.SIGSTOP)
    asleep_at = done()
    part.check(asleep_at < rows, "the import was over before its worker was stopped")
    second = House(part, "second", postgres, "leases", command="work").start()
    try:
        took = wait(lambda: done() > asleep_at, 40, "", 0.01)
        part.note(f"taken up after {took:.0f} s")
    except TimeoutError:
        part.check(False, "a worker that sleeps in a transaction keeps everybody from its job")
    finally:
        os.kill(first.process.pid, signal.SIGCONT)
    check_import(part, api, started, rows)
    house.invariants(part)
    for one in (first, second, house):
        one.close()
    postgres.stop()

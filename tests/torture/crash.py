"""Crashes of the server, of its PostgreSQL, and of the worker of a job."""

import os
import random
import signal
import time

from client import Client, Lost, form, owner
from load import Load, check
from server import Database, Server, Probe, wait


def import_people(api: Client, rows: int) -> tuple[str, str]:
    """Starts an import in which every name occurs twice, so that a restarted run would mistake one row for the other."""
    names = "".join(f"Person {n % (rows // 2)}\n" for n in range(rows))
    body, headers = form(f"last_name\n{names}".encode(), "people.csv", {"resource": "contacts"})
    made = api.post("/imports", body, headers=headers)["id"]
    return made, api.post(f"/imports/{made}/run", {})["id"]


def ended(api: Client, job: str, seconds: float) -> dict:
    """Waits for a job; retries while the server is down."""
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

    wait(over, seconds, f"a job did not end: {last}", 0.2)
    return last


def check_import(part, api: Client, started: tuple[str, str], rows: int, seconds: float = 90) -> None:
    made, job = started
    last = ended(api, job, seconds)
    status, done = last["status"], last["done"]
    part.check((status, done) == ("succeeded", rows), f"an import ended as {status} ({last['error']}) at {done} of {rows}")
    report = api.get(f"/imports/{made}")["report"]
    created, failed = report["created"], report["failed"]
    part.check((created, failed) == (rows, 0), f"an import reports {created} of {rows} created, {failed} failed")
    workspace = f"(select workspace_id from jobs where id = '{job}')"
    found = api.server.sql(f"select count(*) from contacts where last_name like 'Person %' and workspace_id = {workspace}")
    part.check(found == [[str(rows)]], f"an import of {rows} rows created {found[0][0]} records")


def check_bulk(part, api: Client, job: str, records: int) -> None:
    last = ended(api, job, 90)
    succeeded = (last.get("result") or {}).get("succeeded")
    part.check((last["status"], succeeded) == ("succeeded", records), f"a job over {records} records ended as {last['status']} with {succeeded}")
    twice = api.server.sql("select count(*) from companies where sector = 'worked on' and version <> 2")
    done = api.server.sql("select count(*) from companies where sector = 'worked on'")
    part.check((twice, done) == ([["0"]], [[str(records)]]), f"a job over {records} records changed {done[0][0]}, {twice[0][0]} of them more than once")


def server(part) -> None:
    """Kills the server in the middle of a thousand writes, during an import and a bulk job."""
    writes, rows, kills = (350, 4000, 1) if part.short else (1000, 8000, 3)
    server = Server(part).start()
    load = Load(server, part, part.seed, may_lose=True)
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
            done = server.sql(f"select done from jobs where id = '{started[1]}'")[0][0]
            part.check(int(done) < rows, "the import ended before the server was killed")
        server.kill()
        if kill == 2:
            # Kills it again while it starts.
            server.spawn()
            time.sleep(chance.random() / 2)
            server.kill()
        begin = time.monotonic()
        server.start()
        part.note(f"back after {time.monotonic() - begin:.1f} s")
    load.join()
    check(load, part)
    check_import(part, load.client, started, rows)
    check_bulk(part, load.client, bulk, len(items))
    server.invariants(part)
    server.close()


def database(part) -> None:
    """Kills PostgreSQL repeatedly; the server reports it and reconnects within ten seconds."""
    server = Server(part).start()
    load = Load(server, part, part.seed)
    started = import_people(load.client, 4000)
    times = []
    with Probe(server) as health:
        load.begin(10**6)
        for turn in range(1 if part.short else 5):
            load.more(60)
            # SIGKILL, and the signal of `pg_ctl stop -m immediate`; once PostgreSQL cannot restart for a while.
            number, held = signal.SIGQUIT if turn % 2 else signal.SIGKILL, 0 if turn else 4
            times.append(kill_database(part, server, health, number, held))
        load.more(60)
        load.end()
    part.check(max(times) < 10, f"ready only {max(times):.1f} s after the database could restart")
    part.note(f"ready again after {', '.join(f'{seconds:.1f}' for seconds in times)} s")
    check(load, part)
    check_import(part, load.client, started, 4000)
    server.invariants(part)
    server.close()


def kill_database(part, server: Server, health: Probe, number: int, held: float) -> float:
    """Returns how long the server was not ready after the database could restart."""
    settings = server.folder / "data/postgres/data/postgresql.conf"
    away = settings.with_suffix(".away")
    if held:
        settings.rename(away)
    before, begin = server.postmaster(), time.monotonic()
    os.kill(before, number)
    if held:
        time.sleep(held)
        away.rename(settings)

    def back() -> bool:
        return server.postmaster() not in (0, before) and health.ready_since(begin + held + 0.3)

    wait(back, 60, "the database did not come back", 0.02)
    down = health.unready(begin)
    part.check(down or not held, "/health/ready never answered 503 while the database was down")
    return max(0.0, max(down, default=0) - begin - held)


def worker(part) -> None:
    """A worker is paused for longer than its lease. Another worker takes over its job, then both run: the work is done once."""
    rows = 8000
    postgres = Database(part)
    postgres.make("leases")
    server = Server(part, "server", postgres, "leases", flags=("--no-work",)).start()
    first = Server(part, "first", postgres, "leases", command="work").start()
    api = owner(server)
    started = import_people(api, rows)

    def done() -> int:
        return int(server.sql(f"select done from jobs where id = '{started[1]}'")[0][0])

    wait(lambda: done() > 0, 30, "the import did not start", 0.005)
    # Stops inside a transaction, so that it continues there.
    os.kill(first.process.pid, signal.SIGSTOP)
    asleep_at = done()
    part.check(asleep_at < rows, "the import ended before its worker was stopped")
    second = Server(part, "second", postgres, "leases", command="work").start()
    try:
        took = wait(lambda: done() > asleep_at, 40, "", 0.01)
        part.note(f"taken over after {took:.0f} s")
    except TimeoutError:
        part.check(False, "a worker paused in a transaction blocks its job for all others")
    finally:
        os.kill(first.process.pid, signal.SIGCONT)
    check_import(part, api, started, rows)
    server.invariants(part)
    for one in (first, second, server):
        one.close()
    postgres.stop()

"""A server that is asked to stop finishes what it has begun."""

import contextlib
import socket
import subprocess
import threading
import time
from urllib.parse import urlsplit

from client import Client, Lost, owner
from crash import check_import, import_people
from house import House, wait
from load import Load, check
from waits import together


# A load balancer that asks every second or two notices within so many seconds.
DELAY = 3


def gently(part) -> None:
    house = House(part, flags=("--stop-delay", DELAY)).start()
    load = Load(house, part, part.seed, may_lose=True)
    api = load.client
    second(part, house)
    started = import_people(api, 6000)
    people = [api.post("/contacts", {"last_name": f"Held {n}"})["id"] for n in range(3)]
    load.begin(10**6)
    load.more(100)
    load.end()
    # Three requests that are certainly under way: what they change is held by somebody else for a while.
    held = house.hold("contacts where last_name like 'Held %'", 3)
    underway: list = []

    def change(n: int):
        try:
            return Client(house, api.token).ask("PATCH", f"/contacts/{people[n]}", {"position": "kept"})
        except Lost as lost:
            return lost

    waiting = threading.Thread(target=lambda: underway.extend(together(3, change)), daemon=True)
    waiting.start()
    # One of the three may wait in the queue of its user (docs/decisions/0024-schedule-work-fairly.md), so two suffice.
    wait(lambda: int(house.sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")[0][0]) >= 2, 10, "the requests do not wait")
    # A client that keeps its connection, and one that asks on and on.
    keeping = Client(house, api.token)
    keeping.ask("GET", "/me")
    busy = Load(house, part, part.seed + 1, may_lose=True)
    busy.begin(10**6)
    wait(lambda: busy.answered() >= 20 or held.poll() is not None, 60, "the writers do not get on", 0.01)
    begin = time.monotonic()
    house.process.terminate()
    seen = set()
    while house.process.poll() is None and time.monotonic() - begin < 40:
        try:
            seen.add(keeping.ask("GET", "/health/ready", checked=False).status)
        except Lost:
            seen.add("refused")
        time.sleep(0.05)
    took = time.monotonic() - begin
    waiting.join(40)
    held.wait()
    part.check(house.process.poll() == 0, f"after SIGTERM the exit code is {house.process.poll()}")
    part.check(took <= 30, f"after SIGTERM it takes {took:.1f} s to end")
    # The signal may be a moment on its way.
    part.check(503 in seen and took > DELAY, f"while it stops, for {took:.1f} s, /health/ready says {seen}")
    statuses = [getattr(answer, "status", str(answer)) for answer in underway]
    part.check(statuses == [200] * 3, f"requests under way at SIGTERM end as {statuses}")
    # What was sent a moment before was accepted; what was sent in the same moment may have met a closed door.
    dropped = [lost for lost in busy.losses if 0 < lost.sent < begin - 0.05]
    part.check(not dropped, f"{len(dropped)} requests that were sent before SIGTERM were never answered")
    part.note(f"stopped after {took:.1f} s, ready says {sorted(map(str, seen))}")
    house.start()
    busy.end()
    for one in (load, busy):
        check(one, part)
    kept = house.sql("select count(*) from contacts where last_name like 'Held %' and position = 'kept'")
    part.check(kept == [["3"]], f"{kept[0][0]} of 3 requests under way had an effect")
    check_import(part, api, started, 6000)
    house.invariants(part)
    house.close()
    if not part.short:
        stubborn(part)


def stubborn(part) -> None:
    """An upload that drips, and a job that goes on: they are not waited for longer than whoever stops the server waits."""
    house = House(part, "stubborn").start()
    api = owner(house)
    place = urlsplit(house.address)
    with socket.create_connection((place.hostname, place.port)) as drip:
        head = "POST /api/v1/files HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 9999\r\n"
        part_head = '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        drip.sendall(f"{head}Authorization: Bearer {api.token}\r\n\r\n{part_head}".encode())
        time.sleep(0.5)
        started = import_people(api, 80_000)
        wait(lambda: house.sql("select 1 from jobs where done > 0"), 30, "the import does not begin")
        begin = time.monotonic()
        house.process.terminate()
        while house.process.poll() is None and time.monotonic() - begin < 60:
            with contextlib.suppress(OSError):
                drip.send(b"x")
            time.sleep(0.1)
        took, code = time.monotonic() - begin, house.process.poll()
    part.check(code == 0 and took <= 30, f"with an upload that drips and a job, after SIGTERM it ends with {code} after {took:.1f} s")
    part.note(f"with an upload that drips and a job: {took:.1f} s")
    house.start()
    last = api.ask("GET", f"/jobs/{started[1]}").json
    part.check(last["status"] in ("running", "succeeded"), f"a job that was under way at SIGTERM is {last['status']}")
    house.invariants(part)
    house.close()


def second(part, house: House) -> None:
    """Another server on the same folder is refused, in words."""
    twin = House(part)
    process = twin.spawn()
    try:
        code = process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        part.check(False, "a second server on the same folder does not end")
        return
    said = twin.log.read_text()
    part.check(code not in (0, None) and code > 0, f"a second server on the same folder ends with {code}")
    part.check("is in use by another voronka" in said, f"a second server on the same folder says {said[-300:]!r}")
    part.check(house.ready(), "after a second server was refused the first is not ready")

"""A server that gets SIGTERM finishes its running requests."""

import contextlib
import socket
import subprocess
import threading
import time
from urllib.parse import urlsplit

from client import Client, Lost, owner
from crash import check_import, import_people
from load import Load, check
from server import Server, wait
from waits import together


# A load balancer that polls every second or two notices within this time.
DELAY = 3


def gently(part) -> None:
    server = Server(part, flags=("--stop-delay", DELAY)).start()
    load = Load(server, part, part.seed, may_lose=True)
    api = load.client
    second(part, server)
    started = import_people(api, 6000)
    people = [api.post("/contacts", {"last_name": f"Held {n}"})["id"] for n in range(3)]
    load.begin(10**6)
    load.more(100)
    load.end()
    # Three requests are certainly in progress: the rows that they change are locked for a while.
    held = server.hold("contacts where last_name like 'Held %'", 3)
    underway: list = []

    def change(n: int):
        try:
            return Client(server, api.token).ask("PATCH", f"/contacts/{people[n]}", {"position": "kept"})
        except Lost as lost:
            return lost

    waiting = threading.Thread(target=lambda: underway.extend(together(3, change)), daemon=True)
    waiting.start()
    # One of the three may wait in the queue of its user (docs/decisions/0024-schedule-work-fairly.md), so two suffice.
    wait(lambda: int(server.sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")[0][0]) >= 2, 10, "the requests do not wait for the lock")
    # A client with a persistent connection, and one that sends requests continuously.
    keeping = Client(server, api.token)
    keeping.ask("GET", "/me")
    busy = Load(server, part, part.seed + 1, may_lose=True)
    busy.begin(10**6)
    wait(lambda: busy.answered() >= 20 or held.poll() is not None, 60, "the writers make no progress", 0.01)
    begin = time.monotonic()
    server.process.terminate()
    seen = set()
    while server.process.poll() is None and time.monotonic() - begin < 40:
        try:
            seen.add(keeping.ask("GET", "/health/ready", checked=False).status)
        except Lost:
            seen.add("refused")
        time.sleep(0.05)
    took = time.monotonic() - begin
    waiting.join(40)
    held.wait()
    part.check(server.process.poll() == 0, f"after SIGTERM the exit code is {server.process.poll()}")
    part.check(took <= 30, f"the server takes {took:.1f} s to stop after SIGTERM")
    # The signal may take a moment to arrive.
    part.check(503 in seen and took > DELAY, f"during a stop of {took:.1f} s /health/ready answers {seen}")
    statuses = [getattr(answer, "status", str(answer)) for answer in underway]
    part.check(statuses == [200] * 3, f"requests in progress at SIGTERM end with {statuses}")
    # Requests sent before the signal were accepted; requests sent at the same moment may be refused.
    dropped = [lost for lost in busy.losses if 0 < lost.sent < begin - 0.05]
    part.check(not dropped, f"{len(dropped)} requests that were sent before SIGTERM were never answered")
    part.note(f"stopped after {took:.1f} s, ready answers {sorted(map(str, seen))}")
    server.start()
    busy.end()
    for one in (load, busy):
        check(one, part)
    kept = server.sql("select count(*) from contacts where last_name like 'Held %' and position = 'kept'")
    part.check(kept == [["3"]], f"{kept[0][0]} of 3 requests in progress had an effect")
    check_import(part, api, started, 6000)
    server.invariants(part)
    server.close()
    if not part.short:
        stubborn(part)


def stubborn(part) -> None:
    """A slow upload and a running job do not delay the stop beyond its deadline."""
    server = Server(part, "stubborn").start()
    api = owner(server)
    place = urlsplit(server.address)
    with socket.create_connection((place.hostname, place.port)) as drip:
        head = "POST /api/v1/files HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 9999\r\n"
        part_head = '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        drip.sendall(f"{head}Authorization: Bearer {api.token}\r\n\r\n{part_head}".encode())
        time.sleep(0.5)
        started = import_people(api, 80_000)
        wait(lambda: server.sql("select 1 from jobs where done > 0"), 30, "the import did not start")
        begin = time.monotonic()
        server.process.terminate()
        while server.process.poll() is None and time.monotonic() - begin < 60:
            with contextlib.suppress(OSError):
                drip.send(b"x")
            time.sleep(0.1)
        took, code = time.monotonic() - begin, server.process.poll()
    part.check(code == 0 and took <= 30, f"with a slow upload and a job, after SIGTERM the server exits with {code} after {took:.1f} s")
    part.note(f"with a slow upload and a job: {took:.1f} s")
    server.start()
    last = api.ask("GET", f"/jobs/{started[1]}").json
    part.check(last["status"] in ("running", "succeeded"), f"a job in progress at SIGTERM is {last['status']}")
    server.invariants(part)
    server.close()


def second(part, server: Server) -> None:
    """A second server on the same folder is refused with an explanation."""
    twin = Server(part)
    process = twin.spawn()
    try:
        code = process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        part.check(False, "a second server on the same folder does not exit")
        return
    said = twin.log.read_text()
    part.check(code not in (0, None) and code > 0, f"a second server on the same folder exits with {code}")
    part.check("is in use by another voronka" in said, f"a second server on the same folder says {said[-300:]!r}")
    part.check(server.ready(), "the first server is not ready after a second one was refused")

"""Clients that send or read very slowly."""

import selectors
import socket
import threading
import time
from urllib.parse import urlsplit

from client import Client, owner
from server import Server

HEAD_TIME, BODY_TIME, MARGIN = 10, 30, 6
# Allows for a busy machine.
SOON = 2


class Drip:
    """A socket that sends single bytes with pauses."""

    def __init__(self, address: tuple[str, int], kind: str, first: bytes):
        self.kind, self.first, self.answer = kind, first, b""
        self.begun, self.told, self.ended = time.monotonic(), 0.0, 0.0
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.sendall(first)
        self.socket.setblocking(False)

    def drip(self) -> None:
        try:
            self.socket.send(b"x")
        except OSError:
            self.end()

    def read(self) -> None:
        try:
            piece = self.socket.recv(4096)
        except OSError:
            piece = b""
        self.answer += piece
        if b"\r\n\r\n" in self.answer:
            self.told = self.told or time.monotonic()
        if not piece:
            self.end()

    def end(self) -> None:
        if not self.ended:
            self.ended = time.monotonic()
            self.socket.close()

    @property
    def over(self) -> bool:
        return bool(self.ended or self.told)


def senders(part) -> None:
    """Thousands of heads and bodies arriving byte by byte delay no other client and time out."""
    count = 600 if part.short else 2000
    # With one database connection, a request that held it would block all others.
    server = Server(part, "server", flags=("--db-connections", "1")).start()
    api = owner(server)
    place = urlsplit(server.address)
    address = (place.hostname, place.port)
    bearer = f"Authorization: Bearer {api.token}\r\n"
    post = "POST /api/v1/{} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    kinds = {
        "head": "GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX-Drip: ",
        "body": post.format("contacts") + bearer + 'Content-Length: 4000\r\n\r\n{"last_name": "',
        "chunk": post.format("contacts") + bearer + 'Transfer-Encoding: chunked\r\n\r\nfff\r\n{"last_name": "',
        "body without a token": post.format("auth/login") + 'Content-Length: 4000\r\n\r\n{"email": "',
    }
    before = server.memory()
    names = list(kinds)
    drips = [Drip(address, kind := names[n % len(names)], kinds[kind].encode()) for n in range(count)]
    stop = threading.Event()
    dripping = threading.Thread(target=drip_all, args=[drips, stop], daemon=True)
    dripping.start()
    slowest = 0.0
    begin = time.monotonic()
    while time.monotonic() - begin < BODY_TIME + MARGIN:
        fresh = Client(server, api.token)
        for method, path, body in (("GET", "/contacts", None), ("POST", "/contacts", {"last_name": "Quick"}), ("GET", "/health/live", None)):
            answer = fresh.ask(method, path, body)
            part.check(answer.status in (200, 201), f"during slow senders {method} {path} is answered {answer.status}")
            slowest = max(slowest, answer.seconds)
        fresh.close()
        time.sleep(0.3)
        if all(drip.ended for drip in drips):
            break
    grown = server.memory() - before
    stop.set()
    dripping.join()
    part.check(slowest < SOON, f"during slow senders a request takes {slowest:.1f} s")
    part.check(grown < 256, f"{count} slow senders take {grown} MB")
    for kind in names:
        mine = [drip for drip in drips if drip.kind == kind]
        left = [drip for drip in mine if not drip.over]
        part.check(not left, f"{len(left)} of {len(mine)} slow senders of a {kind} could still send after {time.monotonic() - begin:.0f} s")
        open_ = [drip for drip in mine if drip.over and not drip.ended]
        part.check(not open_, f"{len(open_)} of {len(mine)} slow senders of a {kind} got 408, but their connection stays open")
        told = {drip.answer[9:12].decode() for drip in mine if drip.answer}
        part.check(told <= {"408"}, f"slow senders of a {kind} are answered {sorted(told)}")
        ends = [(drip.told or drip.ended) - drip.begun for drip in mine if drip.over]
        part.note(f"{kind}: {', '.join(told) or 'closed'} after {max(ends, default=0):.0f} s")
    part.note(f"{count} sockets, {grown} MB, slowest request {slowest:.2f} s")
    server.invariants(part)
    server.close()


def drip_all(drips: list[Drip], stop: threading.Event) -> None:
    watch = selectors.DefaultSelector()
    for drip in drips:
        watch.register(drip.socket, selectors.EVENT_READ, drip)
    due = time.monotonic()
    while not stop.is_set():
        for ready, _ in watch.select(0.1):
            drip = ready.data
            watch.unregister(drip.socket)
            drip.read()
            if not drip.ended:
                watch.register(drip.socket, selectors.EVENT_READ, drip)
        if time.monotonic() >= due:
            due += 1
            for drip in drips:
                if not drip.ended:
                    key = watch.get_map().get(drip.socket.fileno()) if drip.socket.fileno() >= 0 else None
                    if key:
                        drip.drip()
                        if drip.ended:
                            watch.unregister(key.fd)


def readers(part) -> None:
    """Large answers read byte by byte hold no database connection and bounded memory."""
    server = Server(part, "server", flags=("--db-connections", "1")).start()
    api = owner(server)
    # More than the socket buffers of the kernel hold.
    for _ in range(2):
        items = [{"title": f"L{n}", "description": "x" * 9_900} for n in range(250)]
        api.post("/leads/batch-create", {"items": items})
    large = len(api.ask("GET", "/leads?limit=500").body)
    part.check(large > 4 << 20, f"the answer is too small: {large} bytes")
    count = 50 if part.short else 200
    place, before = urlsplit(server.address), server.memory()

    def read_slowly(_: int) -> socket.socket:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        slow.settimeout(20)
        slow.connect((place.hostname, place.port))
        slow.sendall(f"GET /api/v1/leads?limit=500 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\n\r\n".encode())
        slow.recv(1)
        return slow

    sockets = [read_slowly(n) for n in range(count)]
    slowest = 0.0
    for _ in range(5 if part.short else 15):
        for slow in sockets:
            slow.recv(1)
        answer = Client(server, api.token).ask("POST", "/contacts", {"last_name": "Quick"})
        part.check(answer.status == 201, f"during slow readers a write is answered {answer.status}")
        slowest = max(slowest, answer.seconds)
        time.sleep(1)
    part.check(slowest < SOON, f"during slow readers a request takes {slowest:.1f} s")
    others = "backend_type = 'client backend' and pid <> pg_backend_pid()"
    busy = server.sql(f"select count(*) from pg_stat_activity where {others} and state <> 'idle' and query not like '%jobs%'")
    part.check(busy == [["0"]], f"{busy[0][0]} connections are busy while answers are read slowly")
    grown = server.memory() - before
    part.check(grown < 2 * count * large / 1e6 + 64, f"{count} slow readers of {large / 1e6:.1f} MB take {grown} MB")
    part.note(f"{count} readers of {large / 1e6:.1f} MB, {grown} MB, slowest request {slowest:.2f} s")
    for slow in sockets:
        slow.close()
    server.invariants(part)
    server.close()

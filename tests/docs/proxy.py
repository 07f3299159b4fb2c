"""A proxy on a bad line, so that the pages show how they repeat: proxy.py SERVER

The first `GET /me` is too much. The answer to the first request with an `Idempotency-Key` is lost: the server has done it, the
client gets 503. The first list of deals breaks off. `GET /line` says what happened since it was last asked.
"""

import http.client
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

server = sys.argv[1].removeprefix("http://")
lock = threading.Lock()
line = {"refreshes": 0, "limited": 0, "lost": 0, "broken": 0}
seen: set[str] = set()


def first(what: str) -> bool:
    with lock:
        return what not in seen and not seen.add(what)


def count(what: str) -> None:
    with lock:
        line[what] += 1


class Line(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.path == "/line":
            with lock:
                told = json.dumps(line).encode()
                line.update(dict.fromkeys(line, 0))
                seen.clear()
            return self.reply(200, [("Content-Type", "application/json")], told)
        if self.path == "/api/v1/me" and first("me"):
            count("limited")
            return self.problem(429, "rate_limited")
        if self.path.startswith("/api/v1/deals?") and first("deals"):
            count("broken")
            self.close_connection = True
            return None
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        upstream = http.client.HTTPConnection(server, timeout=60)
        upstream.request(self.command, self.path, body if length else None, headers)
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        if self.path == "/api/v1/auth/refresh" and answer.status != 429:
            count("refreshes")
        if "Idempotency-Key" in self.headers and first("key"):
            count("lost")
            return self.problem(503, "overloaded")
        dropped = ("connection", "content-length", "transfer-encoding")
        return self.reply(answer.status, [h for h in answer.getheaders() if h[0].lower() not in dropped], content)

    def problem(self, status: int, code: str) -> None:
        body = dict(type="", title=code, status=status, code=code, detail="the line", request_id="", errors=[])
        body |= dict(current_version=None, existing_id=None, required_scope=None, decisions=[])
        self.reply(status, [("Content-Type", "application/problem+json"), ("Retry-After", "1")], json.dumps(body).encode())

    def reply(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


listening = Server(("127.0.0.1", 0), Line)
print(f"http://127.0.0.1:{listening.server_port}", flush=True)
listening.serve_forever()

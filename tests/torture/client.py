"""A client that checks every answer: each failure must be a problem with a code, and 500 is never allowed."""

import http.client
import json
import re
import time
import uuid
from dataclasses import dataclass
from urllib.parse import urlsplit

# The server answers within the deadline, with 503 if necessary. The slack allows for a busy machine.
DEADLINE, SLACK = 15, 5


class Lost(Exception):
    """The connection failed or ended before the answer arrived."""

    # The time at which the request was sent, if it was.
    sent = 0.0


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Returns the code of a problem."""
        return self.json.get("code", "") if "problem+json" in self.headers.get("content-type", "") else ""

    @property
    def again(self) -> bool:
        """Returns whether the same request may be retried."""
        return self.status == 503 or self.code == "idempotency_in_progress"


class Client:
    """A persistent connection to a server, which may restart at another address."""

    def __init__(self, server, token: str | None = None, patience: float = DEADLINE + SLACK):
        self.server, self.token, self.patience = server, token, patience
        self.connection, self.address, self.used = None, None, 0.0

    def ask(self, method: str, path: str, body=None, headers: dict | None = None, key: str | None = None, checked: bool = True) -> Answer:
        headers = dict(headers or {})
        if self.token and path.startswith("/"):
            headers["Authorization"] = f"Bearer {self.token}"
        if key:
            headers["Idempotency-Key"] = key
        if body is not None and not isinstance(body, bytes):
            headers["Content-Type"], body = "application/json", json.dumps(body).encode()
        where = path if path.startswith("/health/") else f"/api/v1{path}"
        begin, sent = time.monotonic(), 0.0
        try:
            # The server closes connections that were idle for five seconds.
            if not self.connection or self.address != self.server.address or begin - self.used > 4:
                self.close()
                self.address = self.server.address
                self.connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=self.patience)
            self.connection.request(method, where, body, headers)
            sent = time.monotonic()
            reply = self.connection.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if isinstance(error, TimeoutError):
                self.server.part.check(False, f"no answer within {self.patience} s: {method} {plain(path)}")
            lost = Lost(f"{type(error).__name__}: {error}")
            lost.sent = sent
            raise lost from error
        self.used = time.monotonic()
        headers = {name.lower(): value for name, value in reply.getheaders()}
        answer = Answer(reply.status, headers, content, time.monotonic() - begin)
        if headers.get("connection") == "close":
            self.close()
        if checked:
            self.look_at(method, path, answer)
        return answer

    def look_at(self, method: str, path: str, answer: Answer) -> None:
        wrong = []
        if answer.status >= 400:
            try:
                problem = answer.json
                whole = {"type", "title", "status", "code", "detail", "request_id"} <= problem.keys()
            except ValueError:
                problem, whole = {}, False
            if not whole or problem["status"] != answer.status or "application/problem+json" not in answer.headers.get("content-type", ""):
                wrong.append("is not a problem")
            if answer.again and not answer.headers.get("retry-after", "").isdigit():
                wrong.append("has no Retry-After")
            if answer.status >= 500 and answer.status != 503:
                wrong.append("is a server error")
        if "x-request-id" not in answer.headers:
            wrong.append("has no X-Request-Id")
        if answer.seconds > DEADLINE + SLACK:
            wrong.append("exceeded the deadline")
        for what in wrong:
            self.server.part.check(False, f"{method} {plain(path)} {answer.status} {answer.code} {what}")

    def get(self, path: str) -> dict:
        """Reads a path that must exist."""
        answer = self.ask("GET", path)
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status} {answer.body[:300]}")
        return answer.json

    def post(self, path: str, body: dict, **options) -> dict:
        """Sends a request that must succeed."""
        answer = self.ask("POST", path, body, **options)
        if answer.status not in (200, 201, 202):
            raise RuntimeError(f"POST {path}: {answer.status} {answer.body[:300]}")
        return answer.json

    def close(self) -> None:
        if self.connection:
            self.connection.close()
        self.connection = None


def plain(path: str) -> str:
    """Replaces ids, so that equal failures are counted together."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", path).split("?")[0]


def owner(server) -> Client:
    """Registers a new workspace and returns its owner."""
    name = uuid.uuid4().hex
    person = {"workspace_name": "Acme", "name": "Ann", "email": f"{name}@example.com", "password": "a-long-password"}
    answer = Client(server).post("/auth/register", person | {"base_currency": "EUR", "time_zone": "Europe/Tallinn", "country": "EE"})
    return Client(server, answer["access_token"])


def form(file: bytes, name: str, texts: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """Returns a multipart form with a file. The boundary is constant, so that a retry sends the same bytes."""
    mark = "torture-4711"
    parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in texts.items()]
    parts += [f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n']
    body = "".join(parts).encode() + file + f"\r\n--{mark}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={mark}"}

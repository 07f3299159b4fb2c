"""Concurrent clients that write and record every answer, which is then compared with the database (as Jepsen does)."""

import collections
import hashlib
import json
import random
import threading
import time
import uuid
from dataclasses import dataclass, field

from client import Answer, Client, Lost, form, owner
from server import wait

WRITERS = 16
# A request is retried for this long before it counts as never answered.
INSIST = 90
KINDS = {
    "contacts": "last_name", "companies": "name", "leads": "title", "deals": "title", "tasks": "title", "activities": "text", "files": "name",
}


@dataclass
class Deed:
    """One write, retried with the same key until it is answered."""

    what: str
    mark: str
    method: str
    path: str
    body: bytes | dict | None
    headers: dict
    key: str | None
    record: str | None = None
    answer: Answer | None = None
    # Attempts without an answer, or with one that leaves the outcome open.
    unsure: int = 0
    seen_done: bool = False

    @property
    def done(self) -> bool:
        return self.seen_done or (self.answer is not None and self.answer.status < 300)


@dataclass
class Record:
    """The state of a record that only one writer changes."""

    id: str
    version: int = 1
    last: str | None = None
    at: int = 0
    effects: collections.Counter = field(default_factory=collections.Counter)


class Load:
    """A workspace, its writers, and their writes."""

    def __init__(self, server, part, seed: int, may_lose: bool = False, without: tuple = ()):
        self.server, self.part, self.seed, self.may_lose, self.without = server, part, seed, may_lose, without
        self.client = owner(server)
        self.deeds: list[Deed] = []
        self.losses: list[Lost] = []
        self.lock, self.left, self.stopped = threading.Lock(), 0, threading.Event()
        self.paused = threading.Event()
        self.workspace = self.client.get("/workspaces/current")["id"]
        pipelines = self.client.get("/pipelines?kind=deal")["data"]
        self.stages = [stage["id"] for stage in pipelines[0]["stages"] if stage["category"] == "open"]
        self.company = Record(self.client.post("/companies", {"name": "Everybody's"})["id"])
        self.deal = Record(self.client.post("/deals", {"title": "Everybody's", "company_id": self.company.id})["id"])
        self.writers: list[Writer] = []

    def begin(self, writes: int) -> None:
        self.left = writes
        self.writers = [Writer(self, n) for n in range(WRITERS)]
        for writer in self.writers:
            writer.start()

    def take(self) -> bool:
        """Returns whether the writers continue."""
        while self.paused.is_set() and not self.stopped.is_set():
            time.sleep(0.01)
        with self.lock:
            self.left -= 1
            return self.left >= 0 and not self.stopped.is_set()

    def answered(self) -> int:
        return sum(deed.answer is not None for deed in list(self.deeds))

    def more(self, count: int) -> None:
        """Waits until `count` more writes are answered."""
        begin = self.answered()
        wait(lambda: self.answered() >= begin + count, 60, "the writers make no progress", 0.01)

    def end(self) -> None:
        self.stopped.set()
        self.join()

    def join(self) -> None:
        for writer in self.writers:
            writer.join(INSIST + 60)
            self.part.check(not writer.is_alive(), "a writer hangs")
            if writer.fault:
                raise writer.fault



class Writer(threading.Thread):
    """One client with its own records and the shared ones."""

    def __init__(self, load: Load, number: int):
        super().__init__(daemon=True)
        self.load, self.part = load, load.part
        self.random = random.Random(f"{load.seed}-{number}")
        self.client = Client(load.server, load.client.token)
        self.prefix, self.count, self.fault = f"w{number:02}", 0, None
        self.contacts: list[Record] = []
        self.companies: list[Record] = []
        self.leads: list[Record] = []
        self.deals: list[Record] = []
        self.tasks: list[Record] = []
        self.versions: dict[str, int] = {}
        acts = {
            "contact": 4, "company": 2, "lead": 3, "deal": 4, "patch": 4, "share": 3, "move": 4, "win": 2, "convert": 2, "batch": 2,
            "composite": 2, "task": 4, "complete": 3, "delete": 1, "file": 2, "note": 2,
        }
        self.acts = [name for name, weight in acts.items() if name not in load.without for _ in range(weight)]

    def run(self) -> None:
        try:
            while self.load.take():
                act = self.random.choice(self.acts)
                needs = {"patch": self.contacts, "move": self.deals, "win": self.deals, "convert": self.leads, "complete": self.tasks,
                         "delete": self.contacts, "file": self.deals}
                if act in needs and not needs[act]:
                    act = {"patch": "contact", "delete": "contact", "convert": "lead", "complete": "task"}.get(act, "deal")
                getattr(self, act)()
                if self.random.random() < 0.2:
                    self.look()
        except Exception as error:  # raised again by the joining thread
            self.fault = error

    def mark(self) -> str:
        self.count += 1
        return f"{self.prefix}-{self.count:04}"

    def send(
        self, what: str, method: str, path: str, body=None, headers: dict | None = None, record: str | None = None, mark: str = "",
    ) -> Deed:
        """Retries until answered, as the pages for clients say, but with shorter pauses."""
        key = str(uuid.UUID(int=self.random.getrandbits(128))) if method == "POST" else None
        deed = Deed(what, mark or self.mark(), method, path, body, headers or {}, key, record)
        with self.load.lock:
            self.load.deeds.append(deed)
        until = time.monotonic() + INSIST
        while time.monotonic() < until:
            try:
                answer = self.client.ask(method, path, body, deed.headers, key)
            except Lost as lost:
                deed.unsure += 1
                self.load.losses.append(lost)
                self.part.check(self.load.may_lose, f"a connection was lost: {lost}")
                time.sleep(0.1)
                continue
            if not answer.again:
                deed.answer = answer
                self.judge(deed)
                return deed
            deed.unsure += 1
            time.sleep(0.1 + self.random.random() / 5)
        self.part.check(False, f"{what} was never answered")
        return deed

    def judge(self, deed: Deed) -> None:
        if deed.answer.status < 300:
            version = deed.answer.json.get("version") if deed.answer.body else None
            if deed.record and version:
                self.saw(deed.record, version)
            return
        # Without a key, a retry may find the effect of the first attempt.
        if deed.unsure and deed.answer.status == 404 and deed.method == "DELETE":
            deed.seen_done = True
        elif deed.unsure and deed.answer.status == 412:
            now = self.read(deed.path)
            deed.seen_done = now["position"] == deed.mark
            self.saw(deed.record, now["version"])
        self.part.check(deed.done, f"{deed.what} was refused: {deed.answer.status} {deed.answer.code}")

    def read(self, path: str) -> dict:
        """Reads a path, retrying until it succeeds."""
        until = time.monotonic() + INSIST
        while True:
            try:
                answer = self.client.ask("GET", path)
                if answer.status == 200:
                    return answer.json
            except Lost:
                pass
            if time.monotonic() > until:
                raise RuntimeError(f"{path} cannot be read")
            time.sleep(0.2)

    def saw(self, record: str, version: int) -> None:
        before = self.versions.get(record, 0)
        self.part.check(version >= before, f"a version went back: {record} from {before} to {version}")
        self.versions[record] = version

    def look(self) -> None:
        """Reads a record written before."""
        own = {"contacts": self.contacts, "deals": self.deals, "companies": self.companies}
        known = [(path, one) for path, records in own.items() for one in records]
        path, record = self.random.choice([*known, ("companies", self.load.company)])
        try:
            answer = self.client.ask("GET", f"/{path}/{record.id}")
        except Lost as lost:
            self.part.check(self.load.may_lose, f"a connection was lost: {lost}")
            return
        if answer.status == 200:
            self.saw(record.id, answer.json["version"])
        elif answer.status != 503:
            self.part.check(False, f"reading existing {path} answers {answer.status}")

    def make(self, what: str, path: str, body: dict, records: list[Record] | None = None) -> None:
        mark = self.mark()
        text = json.loads(json.dumps(body).replace("@mark", mark))
        deed = self.send(what, "POST", path, text, mark=mark)
        if deed.done:
            deed.record = deed.answer.json["id"]
            if records is not None:
                records.append(Record(deed.record))

    def contact(self) -> None:
        self.make("contact", "/contacts", {"last_name": "@mark", "email": "@mark@example.com"}, self.contacts)

    def company(self) -> None:
        self.make("company", "/companies", {"name": "@mark"}, self.companies)

    def lead(self) -> None:
        person = {"name": "Eva @mark", "email": "lead-@mark@example.com", "company_name": "Of @mark"}
        self.make("lead", "/leads", {"title": "@mark", "person": person, "value": {"amount": 100, "currency": "EUR"}}, self.leads)

    def deal(self) -> None:
        links = [{"contact_id": record.id} for record in self.contacts[-1:]]
        value = {"amount": self.random.randrange(1, 10**6), "currency": "EUR"}
        self.make("deal", "/deals", {"title": "@mark", "company_id": self.load.company.id, "contacts": links, "value": value}, self.deals)

    def task(self) -> None:
        """Adds a task to the shared deal, whose next task all writers compete for."""
        due = f"2031-01-{self.random.randrange(1, 28):02}T12:00:00Z"
        self.make("task", "/tasks", {"title": "@mark", "due_at": due, "deal_id": self.load.deal.id}, self.tasks)

    def note(self) -> None:
        self.make("note", "/activities", {"type": "note", "text": "@mark", "deal_id": self.load.deal.id})

    def patch(self) -> None:
        record, mark = self.random.choice(self.contacts), self.mark()
        headers = {"If-Match": f'"{record.version}"'}
        deed = self.send("patch", "PATCH", f"/contacts/{record.id}", {"position": mark}, headers, record.id, mark)
        if deed.done:
            record.version += 1
            record.last = mark

    def share(self) -> None:
        """Changes a shared record without If-Match."""
        mark, company = self.mark(), self.load.company
        self.send("share", "PATCH", f"/companies/{company.id}", {"sector": mark}, record=company.id, mark=mark)

    def act(self, what: str, record: Record, path: str, body: dict) -> None:
        deed = self.send(what, "POST", path, body, record=record.id)
        if deed.done:
            record.version += 1
            record.effects[what] += 1

    def move(self) -> None:
        record = self.random.choice(self.deals)
        record.at = (record.at + 1) % len(self.load.stages)
        record.last = self.load.stages[record.at]
        self.act("move", record, f"/deals/{record.id}/move", {"stage_id": record.last})

    def win(self) -> None:
        record = self.deals.pop(self.random.randrange(len(self.deals)))
        self.act("win", record, f"/deals/{record.id}/win", {})

    def convert(self) -> None:
        record = self.leads.pop()
        self.act("convert", record, f"/leads/{record.id}/convert", {})

    def complete(self) -> None:
        record = self.tasks.pop(self.random.randrange(len(self.tasks)))
        self.act("complete", record, f"/tasks/{record.id}/complete", {})

    def delete(self) -> None:
        record = self.contacts.pop(self.random.randrange(len(self.contacts)))
        self.send("delete", "DELETE", f"/contacts/{record.id}", record=record.id)

    def batch(self) -> None:
        mark = self.mark()
        items = [{"last_name": f"{mark}-{n}"} for n in range(5)]
        self.send("batch", "POST", "/contacts/batch-create", {"items": items}, mark=mark)

    def composite(self) -> None:
        mark = self.mark()
        items = [
            {"action": "create", "resource": "companies", "ref": "firm", "body": {"name": mark}},
            {"action": "create", "resource": "contacts", "ref": "person", "body": {"last_name": mark, "company_id": "@firm"}},
            {"action": "create", "resource": "deals", "body": {"title": mark, "company_id": "@firm", "contacts": [{"contact_id": "@person"}]}},
        ]
        self.send("composite", "POST", "/composite", {"items": items}, mark=mark)

    def file(self) -> None:
        mark, deal = self.mark(), self.deals[-1]
        body, headers = form(content(mark), f"{mark}.txt", {"deal_id": deal.id})
        deed = self.send("file", "POST", "/files", body, headers, mark=mark)
        if deed.done:
            deed.record = deed.answer.json["id"]


def content(mark: str) -> bytes:
    """Returns the bytes of the file with this mark."""
    return (mark * 2000).encode()


MADE = {"contact": "contacts", "company": "companies", "lead": "leads", "deal": "deals", "task": "tasks", "note": "activities"}
EFFECT = {
    "move": "deal.stage_changed", "win": "deal.won", "convert": "lead.converted", "complete": "task.completed", "delete": "contact.deleted",
}


def check(load: Load, part) -> None:
    """Checks that every acknowledged write exists, every key had one effect, and no version occurred twice."""
    server, mine = load.server, f"where workspace_id = '{load.workspace}'"
    rows, by_mark = {}, {}
    for table, column in KINDS.items():
        found = server.rows(f"select *, {column} as mark from {table} {mine}")
        rows[table] = {row["id"]: row for row in found}
        by_mark[table] = collections.defaultdict(list)
        for row in found:
            by_mark[table][row["mark"]].append(row)
    events = collections.Counter()
    marked = collections.Counter()
    members = "changes #>> '{position,1}' as own, changes #>> '{sector,1}' as shared"
    for row in server.rows(f"select record_id, type, {members} from events {mine}"):
        events[row["record_id"], row["type"]] += 1
        marked[row["own"]] += 1
        marked[row["shared"]] += 1
    keys = {row["key"]: row for row in server.rows(f"select key, status, encode(sha256(body), 'hex') as body from idempotency_keys {mine}")}
    part.note(f"{len(load.deeds)} writes, {sum(deed.unsure > 0 for deed in load.deeds)} of them retried")

    def only(table: str, mark: str, deed: Deed) -> dict | None:
        found = by_mark[table][mark]
        wanted = (1,) if deed.done else (0, 1)
        part.check(len(found) in wanted, f"{deed.what} created {len(found)} {table} instead of one (done: {deed.done})")
        for row in found:
            created = f"{'company' if table == 'companies' else 'activity' if table == 'activities' else table[:-1]}.created"
            part.check(events[row["id"], created] == 1, f"{events[row['id'], created]} events {created} for one record")
        return found[0] if found else None

    effects = collections.Counter()
    for deed in load.deeds:
        if deed.what in MADE:
            row = only(MADE[deed.what], deed.mark, deed)
            part.check(not deed.done or not row or row["id"] == deed.record, f"{deed.what} was answered with another id than the stored one")
        elif deed.what == "file":
            row = only("files", f"{deed.mark}.txt", deed)
            part.check(not deed.done or not row or row["id"] == deed.record, "a file was answered with another id than the stored one")
        elif deed.what == "batch":
            for n in range(5):
                only("contacts", f"{deed.mark}-{n}", deed)
        elif deed.what == "composite":
            for table in ("companies", "contacts", "deals"):
                only(table, deed.mark, deed)
        elif deed.what in ("patch", "share"):
            # A change without a key is repeated if its outcome is unknown.
            found, most = marked[deed.mark], 1 + (deed.unsure if deed.what == "share" else 0)
            part.check(deed.done <= found <= most, f"{deed.what} had {found} effects (done: {deed.done})")
        elif deed.what == "convert" and deed.done:
            lead = rows["leads"].get(deed.record, {}).get("title")
            part.check(len(by_mark["deals"][lead]) == 1, f"a lead became {len(by_mark['deals'][lead])} deals")
            people = sum(row["email"] == f"lead-{lead}@example.com" for row in rows["contacts"].values())
            part.check(people == 1, f"a lead became {people} contacts")
        if deed.what in EFFECT and deed.done:
            effects[deed.record, deed.what] += 1
        if deed.key and deed.done:
            kept = keys.get(deed.key)
            part.check(kept is not None, f"the key of {deed.what} was not stored")
            same = kept and kept["status"] == deed.answer.status and kept["body"] == hashlib.sha256(deed.answer.body).hexdigest()
            part.check(same, f"{deed.what}: the stored answer differs from the sent one")
    for (record, what), count in effects.items():
        found = events[record, EFFECT[what]]
        part.check(found == count, f"{what} was acknowledged {count} times and done {found} times")
    for writer in load.writers:
        for contact in writer.contacts:
            row = rows["contacts"].get(contact.id, {"version": 0, "position": None})
            part.check((row["version"], row["position"]) == (contact.version, contact.last), "a contact differs from what its only writer wrote")
        for deal in writer.deals:
            row = rows["deals"].get(deal.id, {"version": 0, "stage_id": None})
            stage = deal.last or load.stages[0]
            part.check((row["version"], row["stage_id"]) == (deal.version, stage), "a deal differs from what its only writer wrote")
    sectors = {deed.mark for deed in load.deeds if deed.what == "share"} | {None}
    part.check(rows["companies"][load.company.id]["sector"] in sectors, "the company holds a value that no client wrote")
    files(load, part, rows["files"])
    replay(load, part)


def files(load: Load, part, rows: dict) -> None:
    """Checks that the store holds the bytes of every file and nothing else."""
    folder = load.server.folder / "data/files" / load.workspace
    there = {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}
    for row in rows.values():
        bytes_ = there.pop(row["id"], None)
        part.check(bytes_ is not None, "an acknowledged file has no bytes")
        part.check(bytes_ is None or bytes_ == content(row["name"].removesuffix(".txt")), "a file has other bytes than the upload")
    if there:
        part.note(f"{len(there)} files in the store belong to no row")


def replay(load: Load, part) -> None:
    """Repeats some answered requests, and checks that the API returns what was written."""
    keyed = [deed for deed in load.deeds if deed.key and deed.done]
    for deed in random.Random(load.seed).sample(keyed, min(len(keyed), 60)):
        again = load.client.ask(deed.method, deed.path, deed.body, deed.headers, deed.key)
        same = (again.status, again.body) == (deed.answer.status, deed.answer.body)
        part.check(same, f"{deed.what}, retried with its key, is answered {again.status} {again.code} instead of the first answer")
        part.check("idempotent-replayed" in again.headers, f"{deed.what}, retried with its key, is not marked as a replay")
    made = [deed for deed in keyed if deed.what in MADE]
    gone = {deed.record for deed in load.deeds if deed.what == "delete"}
    for deed in random.Random(load.seed).sample(made, min(len(made), 40)):
        answer = load.client.ask("GET", f"/{MADE[deed.what]}/{deed.record}")
        wanted = 404 if deed.record in gone else 200
        part.check(answer.status == wanted, f"GET of an acknowledged {deed.what} answers {answer.status}")
    uploads = [deed for deed in keyed if deed.what == "file"]
    for deed in uploads:
        answer = load.client.ask("GET", f"/files/{deed.record}/content")
        part.check(answer.status == 200 and answer.body == content(deed.mark), f"an acknowledged file is answered with {answer.status}")

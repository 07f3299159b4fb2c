"""One workspace floods the server: measures the latency of others and the memory use."""

import collections
import io
import threading
import time
import uuid
import zipfile
from pathlib import Path

from client import Answer, Client, Lost, form, owner
from server import Server, lively, wait

# Limits for the latency of others during a flood: a multiple of their latency on an idle server, or seconds. In the short form
# other parts run at the same time.
TIMES, SECONDS, SECONDS_SHORT = 40, 1.5, 5.0
MEGABYTE = 1 << 20


class Others:
    """A workspace with normal traffic that records its latencies."""

    def __init__(self, server: Server, part, api: Client, asks: dict):
        self.server, self.part, self.api, self.asks = server, part, api, asks
        self.seconds: dict[str, list[float]] = collections.defaultdict(list)

    def once(self, api: Client) -> None:
        for name, (method, path, body) in self.asks.items():
            answer = api.ask(method, path, body() if body else None)
            self.part.check(answer.status < 300, f"{name} of another workspace is answered {answer.status} {answer.code}")
            self.seconds[name].append(answer.seconds)

    def alone(self, times: int) -> dict[str, float]:
        """Measures the latency without other load."""
        for _ in range(times):
            self.once(self.api)
        return self.worst()

    def worst(self) -> dict[str, float]:
        """Returns the p99 latency by request name and resets the records."""
        seconds, self.seconds = self.seconds, collections.defaultdict(list)
        return {name: sorted(all_)[(len(all_) - 1) * 99 // 100] for name, all_ in seconds.items()}

    def during(self, flood) -> dict[str, float]:
        """Measures the latency during a flood."""
        over, errors = threading.Event(), []

        def go_on() -> None:
            mine = Client(self.server, self.api.token)
            try:
                while not over.is_set():
                    self.once(mine)
                    time.sleep(0.01)
            except Lost as lost:
                errors.append(lost)

        threads = [threading.Thread(target=go_on, daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            flood()
        finally:
            over.set()
            for thread in threads:
                thread.join(60)
        self.part.check(not errors, f"other workspaces lose connections: {errors[:1]}")
        return self.worst()

    def compare(self, what: str, before: dict[str, float], flooded: dict[str, float]) -> None:
        least = SECONDS_SHORT if self.part.short else SECONDS
        for name, seconds in flooded.items():
            most = max(least, TIMES * before[name])
            self.part.check(seconds < most, f"{what}: {name} of another workspace takes {seconds:.2f} s, {before[name] * 1000:.0f} ms without load")
        told = ", ".join(f"{name} {before[name] * 1000:.0f} to {flooded[name] * 1000:.0f} ms" for name in flooded)
        self.part.note(f"{what}: others' p99 {told}")


def many(count: int, act) -> list:
    """Runs a function on many threads."""
    outcomes: list = [None] * count
    threads = [threading.Thread(target=lambda n=n: outcomes.__setitem__(n, act(n)), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    return outcomes


def multiply(server: Server, table: str, record: str, count: int, other: str) -> None:
    """Copies a row `count` times; `other` overrides columns, with `g` as the number of the copy."""
    generated = f"select attname from pg_attribute where attrelid = '{table}'::regclass and attnum > 0 and attgenerated = '' and not attisdropped"
    names = ", ".join(name for (name,) in server.sql(generated))
    server.sql(
        f"insert into {table} ({names}) select {', '.join('r.' + name.strip() for name in names.split(','))} from {table} t "
        f"cross join generate_series(1, {count}) g cross join lateral "
        f"jsonb_populate_record(null::{table}, to_jsonb(t) || jsonb_build_object({other})) r where t.id = '{record}'"
    )


def requests(part) -> None:
    """Many clients of a large workspace request reports and searches; a small workspace is not slowed down."""
    server = Server(part).start()
    count, seconds, clients = (30_000, 5, 8) if part.short else (200_000, 20, 10)
    large, small = owner(server), owner(server)
    deal, contact = large.post("/deals", {"title": "Copied"})["id"], large.post("/contacts", {"last_name": "Copied"})["id"]
    copy = "md5('deal' || g)::uuid"
    multiply(server, "deals", deal, count, f"'id', {copy}, 'number', 1000 + g")
    (span,) = server.sql(f"select id from stage_spans where record_id = '{deal}'")[0]
    multiply(server, "stage_spans", span, count, f"'id', md5('span' || g)::uuid, 'record_id', {copy}")
    multiply(server, "contacts", contact, count, "'id', md5('contact' || g)::uuid, 'last_name', 'Person ' || g")
    server.sql("analyze")
    small.post("/deals", {"title": "Only"})
    others = Others(server, part, small, {
        "report": ("GET", "/analytics/funnel?kind=cohort", None),
        "search": ("POST", "/contacts/search", lambda: {"q": "Person", "include_total": True}),
        "list": ("GET", "/deals?limit=10", None),
        "write": ("POST", "/contacts", lambda: {"last_name": uuid.uuid4().hex}),
    })
    before = others.alone(20)
    texts = [{"field": "last_name", "op": "contains", "values": [f"{n}7{n}"]} for n in range(20)]
    floods = {
        "reports": ("GET", "/analytics/funnel?kind=cohort", None),
        "searches": ("POST", "/contacts/search", {"any": texts, "include_total": True, "sort": "last_name"}),
        "words": ("GET", "/contacts?include_total=true&q=" + "+".join(f"p{n}" for n in range(12)), None),
        "lists": ("GET", "/contacts?limit=500", None),
    }
    for what, (method, path, body) in floods.items():
        statuses: collections.Counter = collections.Counter()

        def flood(method=method, path=path, body=body, statuses=statuses) -> None:
            until = time.monotonic() + seconds

            def ask(_: int) -> None:
                mine = Client(server, large.token)
                while time.monotonic() < until:
                    answer = mine.ask(method, path, body)
                    statuses[answer.status] += 1
                    if answer.status == 503:
                        time.sleep(0.2)

            many(clients, ask)

        others.compare(f"{clients} clients with {what}", before, others.during(flood))
        part.check(set(statuses) <= {200, 503} and statuses[200], f"the flood of {what} is answered {dict(statuses)}")
    server.close()


def peak(server: Server) -> int:
    """Returns the peak resident memory in MB since `forget`."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def forget(server: Server) -> None:
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")


def workbook(sheet: bytes, texts: bytes = b"") -> bytes:
    """Returns a workbook with one sheet and shared texts."""
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    parts = {
        "[Content_Types].xml": b"<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'/>",
        "_rels/.rels": f'<Relationships xmlns="{package}"><Relationship Id="rId1" Type="{relation}/officeDocument" Target="xl/workbook.xml"/></Relationships>'.encode(),
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{relation}"><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>'.encode(),
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}"><Relationship Id="rId1" Type="{relation}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{relation}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'.encode(),
        "xl/worksheets/sheet1.xml": f"<worksheet {main}><sheetData>".encode() + sheet + b"</sheetData></worksheet>",
        "xl/sharedStrings.xml": f"<sst {main}>".encode() + texts + b"</sst>",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


def files(part) -> None:
    """Concurrent files of the worst kinds are answered in bounded memory and do not slow down others."""
    server = Server(part).start()
    flooding, small = owner(server), owner(server)
    others = Others(server, part, small, {
        "list": ("GET", "/contacts?limit=10", None),
        "write": ("POST", "/contacts", lambda: {"last_name": uuid.uuid4().hex}),
    })
    before = others.alone(20)
    size, count = 63 * MEGABYTE, 8
    shared = b'<c t="s"><v>7</v></c>'
    wide = b"a,b\n" + b"," * size
    kinds = {
        "commas": b"," * size,
        "one row of commas": wide[:size],
        "quotation marks": b"last_name\n" + b'"' * size,
        "rows of one letter": (b"last_name\n" + b"a\n" * (size // 2))[:size],
        "rows of many cells": ((",".join(f"c{n}" for n in range(200)) + "\n").encode() + (b"x" + b"," * 199 + b"\n") * (size // 201))[:size],
    }
    kinds |= {
        "large fields": (b"last_name,note\n" + (b"Ann," + b"x" * 90_000 + b"\n") * (size // 90_005))[:size],
        "a workbook of empty rows": workbook(b"<row/>" * 30_000_000),
        "a workbook of many cells": workbook((b"<row>" + shared * 50 + b"</row>") * 30_000, b"".join(b"<si><t>name %d</t></si>" % n for n in range(10))),
        "a workbook of many texts": workbook((b"<row>" + shared + b"</row>") * 2, b"<si><t>abcdefgh</t></si>" * 2_000_000),
    }
    if part.short:
        kinds = {name: kinds[name] for name in ("rows of many cells", "a workbook of many texts")}
    for what, file in kinds.items():
        body, headers = form(file, "c.csv", {"resource": "contacts"})
        answers: list[Answer] = []
        forget(server)
        quiet = server.memory()

        def send(_: int, body=body, headers=headers) -> Answer:
            return Client(server, flooding.token, patience=180).ask("POST", "/imports", body, headers, checked=False)

        def flood(send=send, answers=answers) -> None:
            answers.extend(many(count, send))

        flooded = others.during(flood)
        statuses = collections.Counter(answer.status for answer in answers)
        part.check(set(statuses) <= {201, 422, 503} and statuses[503] < count, f"{count} files of {what} are answered {dict(statuses)}")
        grown = peak(server) - quiet
        part.check(peak(server) < 200, f"with {count} files of {what} the server takes {peak(server)} MB")
        others.compare(f"{count} x 63 MiB of {what}, {grown} MB, {max(answer.seconds for answer in answers):.1f} s", before, flooded)
    server.invariants(part)
    server.close()


def jobs(part) -> None:
    """Sixty long jobs and a hundred invitations of one workspace do not delay a short job and a mail of another."""
    server = Server(part).start()
    busy, quiet = owner(server), owner(server)
    people, long = (500, 12) if part.short else (3_000, 60)
    for api, count in ((busy, people), (quiet, 10)):
        for begin in range(0, count, 500):
            items = [{"last_name": f"P{n}"} for n in range(begin, min(begin + 500, count))]
            api.post("/contacts/batch-create", {"items": items})
    everybody = {"everything": True}

    def bulk(api: Client, text: str) -> str:
        return api.post("/contacts/bulk-update", {"selection": everybody, "changes": {"position": text}})["id"]

    def done(api: Client, job: str) -> bool:
        state = api.get(f"/jobs/{job}")
        part.check(state["status"] in ("queued", "running", "succeeded"), f"a job is {state['status']}: {state['error']}")
        return state["status"] == "succeeded"

    alone = wait(lambda job=bulk(quiet, "Alone"): done(quiet, job), 60, "a short job alone did not end", 0.02)
    asked = [bulk(busy, f"B{n}") for n in range(long)]
    took = wait(lambda job=bulk(quiet, "Beside"): done(quiet, job), 120, "a short job among long ones did not end", 0.02)
    ended = sum(done(busy, job) for job in asked)
    part.check(ended < long / 2, f"a short job waited for {ended} of {long} long ones of another workspace")
    part.note(f"a short job takes {alone:.1f} s alone, {took:.1f} s among {long} long ones, of which {ended} had ended")
    letters = server.folder / "data/mail"

    def sent(address: str) -> int:
        return sum(address in path.read_text() for path in letters.glob("*.eml"))

    mail = f"{uuid.uuid4().hex}@example.com"
    Client(server).post("/auth/register", {"workspace_name": "Acme", "name": "Eva", "email": mail, "password": "a-long-password"})
    invited = 30 if part.short else 100
    for n in range(invited):
        busy.post("/users", {"name": f"U{n}", "email": f"u{n}-{mail}", "role": "seller"})
    reset = Client(server).ask("POST", "/auth/forgot-password", {"email": mail})
    if not part.check(reset.status < 300, f"a password reset is answered {reset.status}"):
        return
    took = wait(lambda: sent(f"To: {mail}"), 30, "no mail for the password reset", 0.02)
    part.note(f"a mail takes {took:.1f} s behind {invited} invitations")
    wait(lambda: all(done(busy, job) for job in asked), 300, "the long jobs did not end", 0.5)
    server.invariants(part)
    server.close()


def signing_in(part) -> None:
    """During hundreds of concurrent wrong passwords signed-in clients keep working, and every request is answered."""
    server = Server(part).start()
    api, count = owner(server), 150 if part.short else 900
    mail = f"{uuid.uuid4().hex}@example.com"
    person = {"email": mail, "password": "a-long-password"}
    session = Client(server).post("/auth/register", person | {"workspace_name": "Acme", "name": "Eva"})
    others = Others(server, part, api, {
        "list": ("GET", "/contacts?limit=10", None),
        "write": ("POST", "/contacts", lambda: {"last_name": uuid.uuid4().hex}),
    })
    before = others.alone(20)
    live: list[float] = []

    def wrong(n: int) -> int:
        return Client(server).ask("POST", "/auth/login", {"email": f"n{n}-{mail}", "password": "not-the-password"}).status

    def flood() -> None:
        outcome: list = []
        attack = threading.Thread(target=lambda: outcome.extend(many(count, wrong)), daemon=True)
        attack.start()
        time.sleep(0.3)
        renewed = Client(server).ask("POST", "/auth/refresh", {"refresh_token": session["refresh_token"]})
        part.check(renewed.status == 200 and renewed.seconds < SECONDS_SHORT, f"a refresh is answered {renewed.status} after {renewed.seconds:.1f} s")
        honest = Client(server).ask("POST", "/auth/login", person)
        part.check(honest.status in (200, 503), f"the right password is answered {honest.status} {honest.code}")
        part.note(f"during {count} wrong passwords a refresh takes {renewed.seconds:.2f} s, the right password answers {honest.status} after {honest.seconds:.1f} s")
        while attack.is_alive():
            live.append(Client(server).ask("GET", "/health/live").seconds)
            time.sleep(0.05)
        part.check(set(outcome) <= {401, 429, 503}, f"wrong passwords are answered {sorted(set(outcome))}")

    others.compare(f"{count} wrong passwords", before, others.during(flood))
    lively(part, live)
    server.close()

"""One workspace floods the server: what the others notice of it, and what memory it takes."""

import collections
import threading
import time
import uuid
from pathlib import Path

from client import Answer, Client, Lost, form, owner
from house import House, lively, wait

# What others may wait while somebody floods: so many times what they wait on a quiet machine, or so many seconds. In the short form the
# machine does other things too.
TIMES, SECONDS, SECONDS_SHORT = 40, 1.5, 5.0
MEGABYTE = 1 << 20


class Others:
    """A workspace that goes on with its work, and notes how long everything takes."""

    def __init__(self, house: House, part, api: Client, asks: dict):
        self.house, self.part, self.api, self.asks = house, part, api, asks
        self.seconds: dict[str, list[float]] = collections.defaultdict(list)

    def once(self, api: Client) -> None:
        for name, (method, path, body) in self.asks.items():
            answer = api.ask(method, path, body() if body else None)
            self.part.check(answer.status < 300, f"somebody else's {name} is answered {answer.status} {answer.code}")
            self.seconds[name].append(answer.seconds)

    def alone(self, times: int) -> dict[str, float]:
        """How long it takes when nothing else is done."""
        for _ in range(times):
            self.once(self.api)
        return self.worst()

    def worst(self) -> dict[str, float]:
        """The slowest of a hundred, by name; forgets what was noted."""
        seconds, self.seconds = self.seconds, collections.defaultdict(list)
        return {name: sorted(all_)[(len(all_) - 1) * 99 // 100] for name, all_ in seconds.items()}

    def during(self, flood) -> dict[str, float]:
        """The same while somebody floods."""
        over, errors = threading.Event(), []

        def go_on() -> None:
            mine = Client(self.house, self.api.token)
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
        self.part.check(not errors, f"others lose connections: {errors[:1]}")
        return self.worst()

    def compare(self, what: str, before: dict[str, float], flooded: dict[str, float]) -> None:
        least = SECONDS_SHORT if self.part.short else SECONDS
        for name, seconds in flooded.items():
            most = max(least, TIMES * before[name])
            self.part.check(seconds < most, f"{what}: somebody else's {name} takes {seconds:.2f} s, {before[name] * 1000:.0f} ms without")
        told = ", ".join(f"{name} {before[name] * 1000:.0f} to {flooded[name] * 1000:.0f} ms" for name in flooded)
        self.part.note(f"{what}: others' p99 {told}")


def many(count: int, act) -> list:
    """Does the same on many threads."""
    outcomes: list = [None] * count
    threads = [threading.Thread(target=lambda n=n: outcomes.__setitem__(n, act(n)), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    return outcomes


def multiply(house: House, table: str, record: str, count: int, other: str) -> None:
    """Copies a row so many times; `other` says what differs, with `g` for the number of the copy."""
    generated = f"select attname from pg_attribute where attrelid = '{table}'::regclass and attnum > 0 and attgenerated = '' and not attisdropped"
    names = ", ".join(name for (name,) in house.sql(generated))
    house.sql(
        f"insert into {table} ({names}) select {', '.join('r.' + name.strip() for name in names.split(','))} from {table} t "
        f"cross join generate_series(1, {count}) g cross join lateral "
        f"jsonb_populate_record(null::{table}, to_jsonb(t) || jsonb_build_object({other})) r where t.id = '{record}'"
    )


def requests(part) -> None:
    """A large workspace asks for reports and searches with many clients; a small one goes on as if nothing was."""
    house = House(part).start()
    count, seconds, clients = (30_000, 5, 8) if part.short else (200_000, 20, 10)
    large, small = owner(house), owner(house)
    deal, contact = large.post("/deals", {"title": "Copied"})["id"], large.post("/contacts", {"last_name": "Copied"})["id"]
    copy = "md5('deal' || g)::uuid"
    multiply(house, "deals", deal, count, f"'id', {copy}, 'number', 1000 + g")
    (span,) = house.sql(f"select id from stage_spans where record_id = '{deal}'")[0]
    multiply(house, "stage_spans", span, count, f"'id', md5('span' || g)::uuid, 'record_id', {copy}")
    multiply(house, "contacts", contact, count, "'id', md5('contact' || g)::uuid, 'last_name', 'Person ' || g")
    house.sql("analyze")
    small.post("/deals", {"title": "Only"})
    others = Others(house, part, small, {
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
                mine = Client(house, large.token)
                while time.monotonic() < until:
                    answer = mine.ask(method, path, body)
                    statuses[answer.status] += 1
                    if answer.status == 503:
                        time.sleep(0.2)

            many(clients, ask)

        others.compare(f"{clients} clients with {what}", before, others.during(flood))
        part.check(set(statuses) <= {200, 503} and statuses[200], f"who floods with {what} is answered {dict(statuses)}")
    house.close()


def peak(house: House) -> int:
    """The most megabytes that were resident since `forget`."""
    status = Path(f"/proc/{house.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def forget(house: House) -> None:
    Path(f"/proc/{house.process.pid}/clear_refs").write_text("5")


def files(part) -> None:
    """Files of 63 MiB that are none, all at once: refused, in bounded memory, and others do not notice."""
    house = House(part).start()
    flooding, small = owner(house), owner(house)
    others = Others(house, part, small, {
        "list": ("GET", "/contacts?limit=10", None),
        "write": ("POST", "/contacts", lambda: {"last_name": uuid.uuid4().hex}),
    })
    before = others.alone(20)
    size, count = 63 * MEGABYTE, 4 if part.short else 8
    wide = b"a,b\n" + b"," * size
    kinds = {
        "commas": b"," * size,
        "one row of commas": wide[:size],
        "quotation marks": b"last_name\n" + b'"' * size,
        "rows of one letter": (b"last_name\n" + b"a\n" * (size // 2))[:size],
        "rows of many cells": ((",".join(f"c{n}" for n in range(200)) + "\n").encode() + (b"x" + b"," * 199 + b"\n") * (size // 201))[:size],
    }
    if part.short:
        kinds = {name: kinds[name] for name in ("commas", "rows of many cells")}
    for what, file in kinds.items():
        body, headers = form(file, "c.csv", {"resource": "contacts"})
        answers: list[Answer] = []
        forget(house)
        quiet = house.memory()

        def send(_: int, body=body, headers=headers) -> Answer:
            return Client(house, flooding.token, patience=180).ask("POST", "/imports", body, headers, checked=False)

        def flood(send=send, answers=answers) -> None:
            answers.extend(many(count, send))

        flooded = others.during(flood)
        statuses = collections.Counter(answer.status for answer in answers)
        part.check(set(statuses) <= {422, 503} and statuses[422], f"{count} files of {what} are answered {dict(statuses)}")
        grown = peak(house) - quiet
        part.check(grown < 900, f"{count} files of {what} take {grown} MB")
        others.compare(f"{count} x 63 MiB of {what}, {grown} MB, {max(answer.seconds for answer in answers):.1f} s", before, flooded)
    house.invariants(part)
    house.close()


def jobs(part) -> None:
    """Sixty long jobs and a hundred invitations of one workspace: the short job and the letter of another come through."""
    house = House(part).start()
    busy, quiet = owner(house), owner(house)
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

    alone = wait(lambda job=bulk(quiet, "Alone"): done(quiet, job), 60, "a short job alone does not end", 0.02)
    asked = [bulk(busy, f"B{n}") for n in range(long)]
    took = wait(lambda job=bulk(quiet, "Beside"): done(quiet, job), 120, "a short job beside long ones does not end", 0.02)
    ended = sum(done(busy, job) for job in asked)
    part.check(ended < long / 2, f"a short job waited for {ended} of {long} long ones of somebody else")
    part.note(f"a short job takes {alone:.1f} s alone, {took:.1f} s beside {long} long ones, of which {ended} were done")
    letters = house.folder / "data/mail"

    def sent(address: str) -> int:
        return sum(address in path.read_text() for path in letters.glob("*.eml"))

    mail = f"{uuid.uuid4().hex}@example.com"
    Client(house).post("/auth/register", {"workspace_name": "Acme", "name": "Eva", "email": mail, "password": "a-long-password"})
    invited = 30 if part.short else 100
    for n in range(invited):
        busy.post("/users", {"name": f"U{n}", "email": f"u{n}-{mail}", "role": "seller"})
    reset = Client(house).ask("POST", "/auth/forgot-password", {"email": mail})
    if not part.check(reset.status < 300, f"asking for a new password is answered {reset.status}"):
        return
    took = wait(lambda: sent(f"To: {mail}"), 30, "no letter with a new password", 0.02)
    part.note(f"a letter takes {took:.1f} s behind {invited} invitations")
    wait(lambda: all(done(busy, job) for job in asked), 300, "the long jobs do not end", 0.5)
    house.invariants(part)
    house.close()


def signing_in(part) -> None:
    """Hundreds of wrong passwords at once: whoever is signed in goes on, and everybody gets an answer."""
    house = House(part).start()
    api, count = owner(house), 150 if part.short else 900
    mail = f"{uuid.uuid4().hex}@example.com"
    person = {"email": mail, "password": "a-long-password"}
    session = Client(house).post("/auth/register", person | {"workspace_name": "Acme", "name": "Eva"})
    others = Others(house, part, api, {
        "list": ("GET", "/contacts?limit=10", None),
        "write": ("POST", "/contacts", lambda: {"last_name": uuid.uuid4().hex}),
    })
    before = others.alone(20)
    live: list[float] = []

    def wrong(n: int) -> int:
        return Client(house).ask("POST", "/auth/login", {"email": f"n{n}-{mail}", "password": "not-the-password"}).status

    def flood() -> None:
        outcome: list = []
        attack = threading.Thread(target=lambda: outcome.extend(many(count, wrong)), daemon=True)
        attack.start()
        time.sleep(0.3)
        renewed = Client(house).ask("POST", "/auth/refresh", {"refresh_token": session["refresh_token"]})
        part.check(renewed.status == 200 and renewed.seconds < SECONDS_SHORT, f"a refresh is answered {renewed.status} after {renewed.seconds:.1f} s")
        honest = Client(house).ask("POST", "/auth/login", person)
        part.check(honest.status in (200, 503), f"the right password is answered {honest.status} {honest.code}")
        part.note(f"beside {count} wrong passwords a refresh takes {renewed.seconds:.2f} s, the right one {honest.status} after {honest.seconds:.1f} s")
        while attack.is_alive():
            live.append(Client(house).ask("GET", "/health/live").seconds)
            time.sleep(0.05)
        part.check(set(outcome) <= {401, 429, 503}, f"wrong passwords are answered {sorted(set(outcome))}")

    others.compare(f"{count} wrong passwords", before, others.during(flood))
    lively(part, live)
    house.close()

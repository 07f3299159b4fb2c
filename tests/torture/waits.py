"""A database that runs but does not answer."""

import re
import signal
import threading
import time

from client import DEADLINE, SLACK, Answer, Client, form, owner
from line import Line
from load import Load, check, content
from server import Database, Server, Probe, lively, signal_family, wait


# PostgreSQL ends an idle transaction after this many seconds (src/db/pooler.rs).
IDLE = 15


def together(count: int, act) -> list:
    """Runs a function on many threads and returns the results."""
    outcomes: list = [None] * count

    def run(n: int) -> None:
        outcomes[n] = act(n)

    threads = [threading.Thread(target=run, args=[n], daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return outcomes


def frozen(part) -> None:
    """Pauses PostgreSQL with SIGSTOP: requests get 503 within the deadline, and everything works after SIGCONT."""
    server = Server(part).start()
    load = Load(server, part, part.seed)
    with Probe(server) as health:
        load.begin(10**6)
        load.more(100)
        # Uploads in progress at the pause get 503, and their clients retry later.
        load.paused.set()
        time.sleep(0.5)
        deals = [writer.deals[-1].id for writer in load.writers if writer.deals]
        forms = [form(content(f"u{n}"), f"u{n}.txt", {"deal_id": deals[n % len(deals)]}) for n in range(8)]
        begin, postmaster = time.monotonic(), server.postmaster()
        signal_family(postmaster, signal.SIGSTOP)
        try:
            outcome: list = []
            sending = threading.Thread(target=lambda: outcome.extend(together(8, lambda n: upload(server, load, n, forms[n]))), daemon=True)
            sending.start()
            time.sleep(0.5)
            load.paused.clear()
            sending.join(DEADLINE + SLACK)
            # By then the writers have waited as long.
            time.sleep(2)
            part.check([answer.status for answer in outcome] == [503] * 8, "not all uploads get 503 while the database is paused")
        finally:
            signal_family(postmaster, signal.SIGCONT)
        woken = time.monotonic()
        part.check(health.unready(begin + 3, woken), "/health/ready never answered 503 while the database was paused")
        took = wait(lambda: health.ready_since(woken), 10, "not ready 10 s after the database resumed", 0.02)
        part.note(f"ready {took:.1f} s after it resumed")
        load.more(100)
        load.end()
    for n, sent in enumerate(forms):
        answer = insist(lambda n=n, sent=sent: upload(server, load, n, sent))
        if part.check(answer.status == 201, f"a retried upload is answered {answer.status} {answer.code}"):
            got = load.client.ask("GET", f"/files/{answer.json['id']}/content")
            whole = got.status == 200 and got.body == content(f"u{n}")
            part.check(whole, f"the file of a retried upload is answered with {got.status}")
    check(load, part)
    server.invariants(part)
    server.close()


def upload(server: Server, load: Load, n: int, sent: tuple[bytes, dict]) -> Answer:
    body, headers = sent
    return Client(server, load.client.token).ask("POST", "/files", body, headers, f"upload-{n}")


def insist(ask, seconds: float = 30) -> Answer:
    """Retries a request until it is answered."""
    until = time.monotonic() + seconds
    while (answer := ask()).again and time.monotonic() < until:
        time.sleep(0.2)
    return answer


def silent(part) -> None:
    """The connections between server and database are cut or silenced; new connections may work."""
    postgres = Database(part)
    together(3, lambda n: guarded(part, (mute, connecting, cut)[n], postgres))
    postgres.stop()


def guarded(part, act, postgres: Database) -> None:
    name = act.__name__
    postgres.make(name)
    line = Line(postgres.port)
    server = Server(part, name, postgres, name, line)
    try:
        server.start()
        act(part, server, line)
        # The database does not notice a silent client within a transaction; a timeout ends the transaction.
        server.invariants(part, IDLE + SLACK)
    except Exception as error:
        part.check(False, f"{name}: {type(error).__name__}: {error}")
    finally:
        line.close()
        server.close()


def recovers(part, server: Server, api: Client, what: str, within: float) -> None:
    begin = time.monotonic()

    def works() -> bool:
        answer = api.ask("POST", "/contacts", {"last_name": "After"})
        return answer.status == 201

    try:
        wait(works, within, "")
        part.note(f"{what}: back after {time.monotonic() - begin:.1f} s")
        done = together(20, lambda n: Client(server, api.token).ask("GET", "/contacts?limit=1").status)
        part.check(set(done) <= {200}, f"{what}: later requests are answered {sorted(set(done))}")
    except TimeoutError:
        part.check(False, f"{what}: there are still 503 answers {within:.0f} s later")


def mute(part, server: Server, line: Line) -> None:
    """Like a firewall that drops its connection table: old connections never answer, new ones work."""
    api = owner(server)
    silent = threading.Event()

    def write(n: int) -> set[int]:
        mine, statuses = Client(server, api.token), set()
        while not silent.is_set():
            statuses.add(mine.ask("POST", "/contacts", {"last_name": f"Before {n}"}).status)
        return statuses

    written: list = []
    writing = threading.Thread(target=lambda: written.extend(together(8, write)), daemon=True)
    writing.start()
    time.sleep(1)
    line.silence()
    silent.set()
    # Some connections were silenced within a transaction.
    answers = together(12, lambda n: Client(server, api.token).ask("GET", "/contacts"))
    part.check({answer.status for answer in answers} <= {200, 503}, f"on silent connections: {sorted({answer.status for answer in answers})}")
    writing.join(DEADLINE + SLACK)
    part.check(len(written) == 8 and all(answered and answered <= {201, 503} for answered in written), f"writes on silent connections: {written}")
    live = [Client(server).ask("GET", "/health/live").seconds for _ in range(20)]
    lively(part, live)
    recovers(part, server, api, "connections that went silent", 30)


def connecting(part, server: Server, line: Line) -> None:
    """Like a database that accepts connections but hangs: connecting never ends."""
    api = owner(server)
    together(10, lambda n: Client(server, api.token).ask("GET", "/contacts"))
    line.deaf = True
    line.cut()
    for _ in range(3):
        answers = together(10, lambda n: Client(server, api.token).ask("GET", "/contacts"))
        part.check({answer.status for answer in answers} == {503}, f"while connecting fails: {sorted({answer.status for answer in answers})}")
    line.deaf = False
    recovers(part, server, api, "connecting to a database that does not answer", 30)


def cut(part, server: Server, line: Line) -> None:
    """Connections are reset under load: every answer is a success or 503."""
    load = Load(server, part, part.seed, without=("file",))
    load.begin(10**6)
    for _ in range(3 if part.short else 10):
        load.more(40)
        line.cut()
    load.end()
    check(load, part)


def exhausted(part) -> None:
    """Hundreds of writes to a locked record: no request hangs, and no lock or connection remains."""
    server = Server(part).start()
    api = owner(server)
    locked = api.post("/contacts", {"last_name": "Locked"})["id"]
    other = api.post("/contacts", {"last_name": "Other"})["id"]

    def ask(n: int) -> Answer:
        mine = Client(server, api.token)
        if n % 4 == 3:
            return mine.ask("GET", f"/contacts/{other}")
        return mine.ask("PATCH", f"/contacts/{locked}", {"position": f"P{n}"})

    with Probe(server):
        holder = server.hold(f"contacts where id = '{locked}'", 8 if part.short else 20)
        answers = together(400, ask)
        holder.wait(timeout=60)
        freed = time.monotonic()
        light = insist(lambda: api.ask("GET", f"/contacts/{other}"))
        took = time.monotonic() - freed
    part.check(light.status == 200 and took < 2, f"a light read is answered {light.status} {took:.1f} s after the lock was released")
    statuses = sorted({answer.status for answer in answers})
    part.check(set(statuses) <= {200, 503}, f"with all connections busy: {statuses}")
    fast = sum(answer.status == 503 and answer.seconds < 2 for answer in answers)
    part.check(fast >= 50, f"only {fast} of 400 were refused immediately")
    done, slowest = sum(answer.status == 200 for answer in answers), max(answer.seconds for answer in answers)
    part.note(f"{done} of 400 done, {fast} refused at once, the slowest answered after {slowest:.1f} s")
    acknowledged = sum(answer.status == 200 for n, answer in enumerate(answers) if n % 4 != 3)
    version = api.get(f"/contacts/{locked}")["version"]
    part.check(version >= 1 + acknowledged, f"{acknowledged} changes were acknowledged, the version is {version}")
    connections = server.sql("select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()")
    part.check(int(connections[0][0]) <= 24, f"{connections[0][0]} connections are open")
    server.invariants(part)
    server.close()


TRIP = 0.2
MOST = 8


def far(part) -> None:
    """With 200 ms per database round trip, a page of fifty records with includes needs a few round trips, not fifty."""
    postgres = Database(part)
    postgres.make("far")
    line = Line(postgres.port)
    server = Server(part, "server", postgres, "far", line, flags=("--no-work", "--db-connections", "1")).start()
    api = owner(server)
    source = api.post("/sources", {"name": "Fair"})["id"]
    for n in range(50):
        company = api.post("/companies", {"name": f"C{n}"})["id"]
        person = api.post("/contacts", {"last_name": f"P{n}", "company_id": company, "source_id": source})["id"]
        links = {"company_id": company, "source_id": source}
        deal = api.post("/deals", {"title": f"D{n}", "contacts": [{"contact_id": person}], **links})["id"]
        api.post("/leads", {"title": f"L{n}", "contact_id": person, **links})
        api.post("/tasks", {"title": f"T{n}", "deal_id": deal, "contact_id": person, "due_date": "2031-05-01"})
        api.post("/activities", {"type": "note", "text": f"N{n}", "deal_id": deal})
    lists = {
        "/deals": "owner,company,source,stage,pipeline,loss_reason",
        "/contacts": "owner,company,source",
        "/leads": "owner,contact,company,source,stage,pipeline",
        "/companies": "owner,parent",
        "/tasks": "assignee,contact,company,lead,deal",
        "/activities": "author,contact,company,lead,deal",
    }
    told = []
    for path, include in lists.items():
        asked = f"{path}?limit=50&include={include}&include_total=true"
        line.delay = 0
        # Each connection prepares its statements once.
        for _ in range(12):
            api.ask("GET", asked)
        line.delay = TRIP / 2
        # The authenticated caller is cached for two seconds.
        api.ask("GET", "/me")
        trips = line.trips
        answer = api.ask("GET", asked)
        trips = line.trips - trips
        if not part.check(answer.status == 200, f"GET {path} with includes answers {answer.status} {answer.code}"):
            continue
        part.check(len(answer.json["data"]) == 50, f"GET {path} gave {len(answer.json['data'])} of 50")
        statements = int(re.match(r'db;dur=[0-9.]+;desc="(\d+) ', answer.headers["server-timing"])[1])
        part.check(statements <= MOST, f"GET {path} with includes takes {statements} statements")
        # Two more for the transaction and two for the caller's permissions.
        part.check(trips <= statements + 4, f"GET {path} with includes takes {trips} trips for {statements} statements")
        told.append(f"{path} {statements} ({trips} trips, {answer.seconds:.1f} s)")
    part.note(", ".join(told))
    line.delay = 0
    server.invariants(part)
    server.close()
    line.close()
    postgres.stop()

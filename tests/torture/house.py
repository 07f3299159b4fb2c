"""What is tortured: a server on a folder of its own, its PostgreSQL, and the ways to hurt them."""

import atexit
import contextlib
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import client
from client import SLACK

HERE = Path(__file__).parent
STARTS = 60  # seconds
SECRET = secrets.token_hex(32)
started: list[subprocess.Popen] = []


@atexit.register
def stop_all() -> None:
    for process in started:
        if process.poll() is None:
            process.kill()


def spawn(*command: str, **options) -> subprocess.Popen:
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, **options)
    started.append(process)
    return process


def bin_dir() -> Path:
    """Where the server finds PostgreSQL's programs too."""
    places = [os.environ.get("PG_BINDIR", ""), *os.environ.get("PATH", "").split(":")]
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: -int(place.parent.name))
    for place in [Path(place) for place in places if place] + newest:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return (place / "postgres").resolve().parent
    sys.exit("torture: no PostgreSQL server programs; install them or set PG_BINDIR")


def client_program() -> str:
    return shutil.which("psql") or str(bin_dir() / "psql")


def psql(url: str, *arguments: str, check: bool = True) -> str:
    command = [client_program(), "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", url, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if check and done.returncode:
        raise RuntimeError(f"psql: {done.stderr.strip()}")
    return done.stdout


def unprivileged() -> dict:
    """PostgreSQL refuses to run as root."""
    if os.geteuid():
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        except KeyError:
            pass
    sys.exit("torture: there is no user postgres or nobody")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def family(pid: int) -> list[int]:
    """A process and all that came from it: each PostgreSQL backend leads a group of its own."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
    found = [pid]
    for member in found:
        found += [child for child, parent in parents.items() if parent == member]
    return found


def signal_family(pid: int, number: int) -> None:
    # Twice: a server that is being stopped may just have forked.
    for _ in range(2):
        for member in family(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, number)


class Sql:
    """Something with a database behind it; it is asked as its owner."""

    url = ""

    def sql(self, text: str) -> list[list[str]]:
        return [line.split("\t") for line in psql(self.url, "-c", text).splitlines()]

    def rows(self, query: str) -> list[dict]:
        return json.loads(psql(self.url, "-c", f"select coalesce(json_agg(t), '[]') from ({query}) t"))

    def hold(self, rows: str, seconds: float) -> subprocess.Popen:
        """Keeps rows locked for a while."""
        text = f"begin; select from {rows} for update; select pg_sleep({seconds}); rollback"
        holder = spawn(client_program(), "-X", "-q", "-d", self.url, "-c", text, stdout=subprocess.DEVNULL)
        wait(lambda: self.sql("select 1 from pg_stat_activity where wait_event = 'PgSleep'"), 10, "nothing is held")
        return holder

    def idle(self) -> list[list[str]]:
        """Transactions that wait for their client."""
        waits = "state like 'idle in transaction%' and state_change < now() - interval '1 second'"
        return self.sql(f"select pid, state, query from pg_stat_activity where {waits}")

    def invariants(self, part, patience: float = SLACK) -> None:
        """What must hold after whatever happened; transactions end within moments, or within as many seconds as they may last."""
        name, bad, asked = "", [], 0
        for line in [*psql(self.url, "-f", str(HERE / "invariants.sql")).splitlines(), "-- "]:
            if line.startswith("-- "):
                part.check(not bad, f"invariant: {name}: {len(bad)} rows, such as {bad[:2]}")
                name, bad, asked = line[3:], [], asked + 1
            elif line:
                bad.append(line)
        part.check(asked > 15, "the invariants were not asked")
        try:
            wait(lambda: not self.idle(), patience, "")
        except TimeoutError:
            part.check(False, f"connections left in a transaction: {self.idle()}")


class Database(Sql):
    """A PostgreSQL over TCP, for lines that can be cut. It is not killed, so it need not be safe."""

    def __init__(self, part):
        folder = part.work / "postgres"
        folder.mkdir(parents=True)
        who = unprivileged()
        if who:
            os.chown(folder, who["user"], who["group"])
        self.program, self.port, data = part.program, free_port(), folder / "data"
        tools = {"cwd": folder, "stdout": (part.work / "postgres.log").open("w"), "stderr": subprocess.STDOUT, **who}
        subprocess.run(
            [bin_dir() / "initdb", "-N", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "-U", "voronka", "-D", data],
            check=True, stdin=subprocess.DEVNULL, **tools,
        )
        settings = ["listen_addresses=127.0.0.1", f"port={self.port}", "jit=off", "fsync=off", "max_connections=60"]
        flags = [word for setting in settings for word in ("-c", setting)]
        self.process = spawn(bin_dir() / "postgres", "-D", data, "-k", folder, *flags, **tools)
        url = self.owner("postgres")
        wait(lambda: psql(url, "-c", "select 1", check=False).strip() == "1", STARTS, "PostgreSQL does not start")
        psql(url, "-c", "create role server login")

    def make(self, name: str) -> None:
        """A database that a server can work on."""
        psql(self.owner("postgres"), "-c", f"create database {name}")
        command = [self.program, "migrate", "--database-url", self.owner(name), "--grant-to", "server"]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, env=environment())

    def owner(self, name: str) -> str:
        return f"postgresql://voronka@127.0.0.1:{self.port}/{name}?sslmode=disable"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


def environment() -> dict[str, str]:
    """Without what somebody has set for a server of theirs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("VORONKA_") and name != "DATABASE_URL"}


def wait(holds, seconds: float, otherwise: str, pause: float = 0.05) -> float:
    """Waits until something holds, and says how long that took."""
    begin = time.monotonic()
    while not holds():
        if time.monotonic() - begin > seconds:
            raise TimeoutError(otherwise)
        time.sleep(pause)
    return time.monotonic() - begin


class House(Sql):
    """A server; it can be killed and started again on the same data."""

    def __init__(self, part, name="house", database: Database | None = None, on="", line=None, command="serve", flags: tuple = ()):
        """With a private PostgreSQL, or on a database of another, over a line."""
        self.part, self.folder = part, part.work / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.flags, self.command, self.settings = flags, command, {"RUST_LOG": "info,access=off", "VORONKA_RATE_PER_MINUTE": "0"}
        self.address, self.process, self.runs = "", None, 0
        self.url = f"postgresql:///postgres?host={self.folder / 'data/postgres'}&user=voronka"
        if database:
            self.url = database.owner(on)
            port = line.port if line else database.port
            self.settings["DATABASE_URL"] = f"postgresql://server@127.0.0.1:{port}/{on}?sslmode=disable"
            self.settings["VORONKA_SECRET"] = SECRET
        self.log = self.folder / "server.log"

    def spawn(self) -> subprocess.Popen:
        """Starts the server without waiting for it."""
        listen = ["--listen", "127.0.0.1:0"] if self.command == "serve" else []
        self.runs += 1
        self.output = self.folder / f"output-{self.runs}"
        self.process = spawn(
            self.part.program, self.command, *listen, "--data-dir", self.folder / "data", *self.flags,
            stdout=self.output.open("w"), stderr=self.log.open("a"), env=environment() | self.settings,
        )
        return self.process

    def start(self) -> "House":
        process = self.spawn()

        def up() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"the server ended: {self.log.read_text()[-2000:]}")
            greeting = re.search(r"^(?:Voronka listens on (.*)|working;.*)$", self.output.read_text(), re.M)
            self.address = greeting[1] or "" if greeting else ""
            return bool(greeting)

        wait(up, STARTS, "the server does not say where it listens")
        return self

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Asks it to stop and gives the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=60)

    def postmaster(self) -> int:
        """Process id of its private PostgreSQL; 0 while there is none."""
        try:
            return int((self.folder / "data/postgres/data/postmaster.pid").read_text().split()[0])
        except (OSError, IndexError, ValueError):
            return 0

    def ready(self) -> bool:
        try:
            return client.Client(self, patience=5).ask("GET", "/health/ready", checked=False).status == 200
        except client.Lost:
            return False

    def memory(self) -> int:
        """Resident megabytes."""
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1]) // 1024

    def close(self) -> None:
        """Ends it, and reads what it wrote meanwhile."""
        if self.process and self.process.poll() is None:
            self.stop()
        log = self.log.read_text()
        for line in re.findall(r"^.*panicked.*$", log, re.M)[:3]:
            self.part.check(False, f"in the log: {line}")


class Probe:
    """Asks for the health of a server all the time, until the block ends; then all must have been answered at once."""

    def __init__(self, house: House):
        self.house, self.stopped = house, threading.Event()
        self.seen: list[tuple[float, int]] = []
        self.live: list[float] = []
        self.threads = [threading.Thread(target=self.run, args=[ask], daemon=True) for ask in (self.ask_live, self.ask_ready)]

    def run(self, ask) -> None:
        api = client.Client(self.house, patience=5)
        while not self.stopped.is_set():
            try:
                ask(api)
            except client.Lost as lost:
                self.house.part.check(False, f"no health: {lost}")
            time.sleep(0.01)

    def ask_live(self, api) -> None:
        self.live.append(api.ask("GET", "/health/live").seconds)

    def ask_ready(self, api) -> None:
        self.seen.append((time.monotonic(), api.ask("GET", "/health/ready", checked=False).status))

    def ready_since(self, instant: float) -> bool:
        return bool(self.seen) and self.seen[-1][0] > instant and self.seen[-1][1] == 200

    def unready(self, since: float, until: float = float("inf")) -> list[float]:
        """When it was said not to be ready."""
        return [at for at, status in self.seen if since < at < until and status == 503]

    def __enter__(self) -> "Probe":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        lively(self.house.part, self.live)


def lively(part, seconds: list[float]) -> None:
    """Nearly all within 100 ms: a busy machine may hold up one or the other, a server that is stuck holds up all."""
    seconds = sorted(seconds) or [99.0]
    late = seconds[(len(seconds) - 1) * 98 // 100]
    part.check(late < 0.1 and seconds[-1] < 2, f"/health/live takes {late * 1000:.0f} ms, at most {seconds[-1] * 1000:.0f} ms")

"""A server in a separate folder, its PostgreSQL, and functions that disturb them."""

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
    """Returns the folder of the PostgreSQL programs, as the server finds it."""
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
    """Returns a process and its descendants; each PostgreSQL backend leads its own process group."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
    found = [pid]
    for member in found:
        found += [child for child, parent in parents.items() if parent == member]
    return found


def signal_family(pid: int, number: int) -> None:
    # Twice, since a process may have forked before it stopped.
    for _ in range(2):
        for member in family(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, number)


class Sql:
    """A database, queried as its owner."""

    url = ""

    def sql(self, text: str) -> list[list[str]]:
        return [line.split("\t") for line in psql(self.url, "-c", text).splitlines()]

    def rows(self, query: str) -> list[dict]:
        return json.loads(psql(self.url, "-c", f"select coalesce(json_agg(t), '[]') from ({query}) t"))

    def hold(self, rows: str, seconds: float) -> subprocess.Popen:
        """Locks rows for a while."""
        text = f"begin; select from {rows} for update; select pg_sleep({seconds}); rollback"
        holder = spawn(client_program(), "-X", "-q", "-d", self.url, "-c", text, stdout=subprocess.DEVNULL)
        wait(lambda: self.sql("select 1 from pg_stat_activity where wait_event = 'PgSleep'"), 10, "the lock was not taken")
        return holder

    def idle(self) -> list[list[str]]:
        """Returns the transactions that wait for their client."""
        waits = "state like 'idle in transaction%' and state_change < now() - interval '1 second'"
        return self.sql(f"select pid, state, query from pg_stat_activity where {waits}")

    def invariants(self, part, patience: float = SLACK) -> None:
        """Checks the invariants; open transactions must end within `patience` seconds."""
        name, bad, asked = "", [], 0
        for line in [*psql(self.url, "-f", str(HERE / "invariants.sql")).splitlines(), "-- "]:
            if line.startswith("-- "):
                part.check(not bad, f"invariant: {name}: {len(bad)} rows, such as {bad[:2]}")
                name, bad, asked = line[3:], [], asked + 1
            elif line:
                bad.append(line)
        part.check(asked > 15, "the invariants were not checked")
        try:
            wait(lambda: not self.idle(), patience, "")
        except TimeoutError:
            part.check(False, f"connections left in a transaction: {self.idle()}")


class Database(Sql):
    """A PostgreSQL over TCP, for connections that can be cut. It is never killed, so it runs without fsync."""

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
        wait(lambda: psql(url, "-c", "select 1", check=False).strip() == "1", STARTS, "PostgreSQL did not start")
        psql(url, "-c", "create role server login")

    def make(self, name: str) -> None:
        """Creates a database for a server."""
        psql(self.owner("postgres"), "-c", f"create database {name}")
        command = [self.program, "migrate", "--database-url", self.owner(name), "--grant-to", "server"]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, env=environment())

    def owner(self, name: str) -> str:
        return f"postgresql://voronka@127.0.0.1:{self.port}/{name}?sslmode=disable"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


def environment() -> dict[str, str]:
    """Returns the environment without settings of the server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("VORONKA_") and name != "DATABASE_URL"}


def wait(holds, seconds: float, otherwise: str, pause: float = 0.05) -> float:
    """Waits until a condition holds and returns the seconds it took."""
    begin = time.monotonic()
    while not holds():
        if time.monotonic() - begin > seconds:
            raise TimeoutError(otherwise)
        time.sleep(pause)
    return time.monotonic() - begin


class Server(Sql):
    """A server that can be killed and restarted on the same data."""

    def __init__(self, part, name="server", database: Database | None = None, on="", line=None, command="serve", flags: tuple = ()):
        """Uses a private PostgreSQL, or a database of another one through a line."""
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

    def start(self) -> "Server":
        process = self.spawn()

        def up() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"the server ended: {self.log.read_text()[-2000:]}")
            greeting = re.search(r"^(?:Voronka listens on (.*)|working;.*)$", self.output.read_text(), re.M)
            self.address = greeting[1] or "" if greeting else ""
            return bool(greeting)

        wait(up, STARTS, "the server did not print its address")
        return self

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Sends SIGTERM and returns the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=60)

    def postmaster(self) -> int:
        """Returns the process id of the private PostgreSQL, or 0."""
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
        """Returns the resident memory in MB."""
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1]) // 1024

    def close(self) -> None:
        """Stops the server and checks its log."""
        if self.process and self.process.poll() is None:
            self.stop()
        log = self.log.read_text()
        for line in re.findall(r"^.*panicked.*$", log, re.M)[:3]:
            self.part.check(False, f"in the log: {line}")


class Probe:
    """Polls the health of a server until the block ends; every answer must be immediate."""

    def __init__(self, server: Server):
        self.server, self.stopped = server, threading.Event()
        self.seen: list[tuple[float, int]] = []
        self.live: list[float] = []
        self.threads = [threading.Thread(target=self.run, args=[ask], daemon=True) for ask in (self.ask_live, self.ask_ready)]

    def run(self, ask) -> None:
        api = client.Client(self.server, patience=5)
        while not self.stopped.is_set():
            try:
                ask(api)
            except client.Lost as lost:
                self.server.part.check(False, f"health check failed: {lost}")
            time.sleep(0.01)

    def ask_live(self, api) -> None:
        self.live.append(api.ask("GET", "/health/live").seconds)

    def ask_ready(self, api) -> None:
        self.seen.append((time.monotonic(), api.ask("GET", "/health/ready", checked=False).status))

    def ready_since(self, instant: float) -> bool:
        return bool(self.seen) and self.seen[-1][0] > instant and self.seen[-1][1] == 200

    def unready(self, since: float, until: float = float("inf")) -> list[float]:
        """Returns the times in this period at which the server was not ready."""
        return [at for at, status in self.seen if since < at < until and status == 503]

    def __enter__(self) -> "Probe":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        lively(self.server.part, self.live)


def lively(part, seconds: list[float]) -> None:
    """Requires nearly all answers within 100 ms: a busy machine delays a few, a stuck server delays all."""
    seconds = sorted(seconds) or [99.0]
    late = seconds[(len(seconds) - 1) * 98 // 100]
    part.check(late < 0.1 and seconds[-1] < 2, f"/health/live takes {late * 1000:.0f} ms, at most {seconds[-1] * 1000:.0f} ms")

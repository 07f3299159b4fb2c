"""Full disks: for one table, for all of PostgreSQL, and for the file store."""

import contextlib
import os
import random
import string
import subprocess
from pathlib import Path

from client import Answer, Lost, form, owner
from server import Server, unprivileged, wait


@contextlib.contextmanager
def small(place: Path, megabytes: int, who: dict):
    """Mounts a file system of a few megabytes."""
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "none", place], check=True, capture_output=True)
    try:
        if who:
            os.chown(place, who["user"], who["group"])
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=False)


def may_mount(place: Path) -> bool:
    try:
        with small(place, 1, {}):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def fill(place: Path, but: int = 0) -> Path:
    """Fills the file system except for some bytes."""
    room = os.statvfs(place)
    ballast = place / "ballast"
    with ballast.open("wb") as file:
        left = room.f_bavail * room.f_frsize - but
        while left > 0:
            piece = min(left, 1 << 20)
            try:
                file.write(b"\0" * piece)
                file.flush()
            except OSError:
                break
            left -= piece
    return ballast


def refused(part, answer: Answer, what: str) -> None:
    part.check(answer.status in (503, 507), f"{what} was answered {answer.status} {answer.code}, not 503 or 507")


def table(part) -> None:
    """One table has no space: writes to it are refused, everything else works."""
    server = Server(part, "table").start()
    api = owner(server)
    noise = random.Random(part.seed)

    def note() -> Answer:
        text = "".join(noise.choices(string.ascii_letters + string.digits, k=9000))
        return api.ask("POST", "/activities", {"type": "note", "text": text, "contact_id": person})

    person = api.post("/contacts", {"last_name": "Anybody"})["id"]
    with small(part.work / "space", 16, unprivileged()) as space:
        server.sql(f"create tablespace small location '{space}'")
        server.sql("alter table activities set tablespace small")
        ballast = fill(space, 1 << 20)
        for _ in range(1000):
            last = note()
            if last.status != 201:
                break
        else:
            part.check(False, "the disk did not get full")
        for _ in range(5):
            refused(part, note(), "a write without space")
        for path in ("/activities", f"/contacts/{person}", f"/contacts/{person}/timeline"):
            part.check(api.ask("GET", path).status == 200, f"GET {path.replace(person, 'ID')} fails while a disk is full")
        part.check(api.ask("POST", "/contacts", {"last_name": "Elsewhere"}).status == 201, "a write elsewhere fails while a disk is full")
        part.check(server.ready(), "not ready while one table has no space")
        ballast.unlink()
        part.check(note().status == 201, "writes are still refused although there is space again")
        server.invariants(part)
        server.close()


def files(part) -> None:
    """The file store is full."""
    with small(part.work / "files/data/files", 8, {}) as store:
        server = Server(part, "files").start()
        api = owner(server)
        person = api.post("/contacts", {"last_name": "Anybody"})["id"]

        def upload(name: str, size: int) -> Answer:
            body, headers = form(b"x" * size, name, {"contact_id": person})
            return api.ask("POST", "/files", body, headers, key=f"key-{name}")

        first = upload("first", 1 << 20)
        ballast = fill(store, 2 << 20)
        for n in range(3):
            refused(part, upload(f"large{n}", 4 << 20), "an upload without space")
        part.check(upload("little", 1000).status == 201, "a small file is refused although there is space for it")
        got = api.ask("GET", f"/files/{first.json['id']}/content")
        part.check(got.status == 200 and len(got.body) == 1 << 20, f"a download answers {got.status} while the store is full")
        part.check(api.ask("POST", "/contacts", {"last_name": "Elsewhere"}).status == 201, "a write elsewhere fails while the store is full")
        ballast.unlink()
        again = upload("large0", 4 << 20)
        part.check(again.status == 201, f"an upload is still refused although there is space again: {again.status} {again.code}")
        left = [path.name for path in store.rglob("*") if path.is_file()]
        part.check(len(left) == 3, f"the store holds {len(left)} files instead of 3 after refused uploads")
        server.invariants(part)
        server.close()


def cluster(part) -> None:
    """PostgreSQL and its WAL have no space: nothing acknowledged is lost, and the server recovers by itself."""
    with small(part.work / "cluster/data/postgres", 160, unprivileged()) as place:
        server = Server(part, "cluster").start()
        api = owner(server)
        noise = random.Random(part.seed)
        acknowledged, answers = [], {}

        def note() -> Answer | None:
            text = "".join(noise.choices(string.ascii_letters + string.digits, k=9000))
            try:
                answer = api.ask("POST", "/activities", {"type": "note", "text": text, "contact_id": person})
            except Lost as lost:
                part.check(False, f"a connection was lost: {lost}")
                return None
            answers[answer.status, answer.code] = answers.get((answer.status, answer.code), 0) + 1
            if answer.status == 201:
                acknowledged.append(answer.json["id"])
            return answer

        person = api.post("/contacts", {"last_name": "Anybody"})["id"]
        ballast = fill(place, 4 << 20)
        for _ in range(4000):
            answer = note()
            if answer and answer.status != 201:
                break
        else:
            part.check(False, "the disk did not get full")
        for _ in range(30):
            if (answer := note()) and answer.status != 201:
                refused(part, answer, "a write to a cluster without space")
        ballast.unlink()
        took = wait(lambda: (answer := note()) and answer.status == 201, 30, "writes are still refused 30 s after there is space again", 0.2)
        there = {row[0] for row in server.sql("select id from activities")}
        part.check(set(acknowledged) <= there, f"{len(set(acknowledged) - there)} acknowledged writes are lost")
        part.note(f"full disk: {answers}, recovered after {took:.1f} s")
        server.invariants(part)
        server.close()


def disk(part) -> None:
    if not may_mount(part.work / "try"):
        part.skip("mounting a small file system needs root")
        return
    for act in (table, files) if part.short else (table, files, cluster):
        try:
            act(part)
        except Exception as error:
            part.check(False, f"{act.__name__}: {type(error).__name__}: {error}")

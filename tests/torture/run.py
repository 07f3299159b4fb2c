"""Runs the parts: run.py PROGRAM FOLDER [--short] [--only f1,f2]. Prints a table; the exit code is 0 if every part passed."""

import argparse
import collections
import random
import resource
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

import crash
import full
import races
import share
import slow
import stop
import waits


class Part:
    """One part of the torture, with its failures and notes."""

    def __init__(self, name: str, title: str, run, options):
        self.name, self.title, self.run = name, title, run
        self.program, self.short, self.seed = options.program, options.short, options.seed
        self.work = options.folder / name
        self.wrong: collections.Counter[str] = collections.Counter()
        self.notes: list[str] = []
        self.seconds, self.skipped = 0.0, ""
        self.lock = threading.Lock()

    def check(self, holds, what: str) -> bool:
        if not holds:
            with self.lock:
                self.wrong[what] += 1
        return bool(holds)

    def note(self, what: str) -> None:
        self.notes.append(what)

    def skip(self, why: str) -> None:
        self.skipped = why

    def go(self) -> None:
        begin = time.monotonic()
        self.work.mkdir(parents=True)
        try:
            self.run(self)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            self.check(False, f"{type(error).__name__}: {error} ({place.name}, {Path(place.filename).name}:{place.lineno})")
            (self.work / "traceback").write_text(traceback.format_exc())
        self.seconds = time.monotonic() - begin
        print(f"   {self.name} {'FAILED' if self.wrong else 'skipped' if self.skipped else 'passed'} after {self.seconds:.0f} s", flush=True)


PARTS = [
    # In the short form the lines run concurrently, and the parts of a line in sequence.
    (1, "F1", "kill -9 of the server under load", crash.server),
    (1, "F2", "kill -9 of PostgreSQL under load", crash.database),
    (2, "F3", "PostgreSQL that does not answer", waits.frozen),
    (3, "F3b", "connections that are cut or silent", waits.silent),
    (2, "F4", "all connections busy", waits.exhausted),
    (2, "F5", "a slow database", waits.far),
    (2, "F6", "a full disk", full.disk),
    (4, "F8", "slow readers", slow.readers),
    # It measures short times, so it runs when the servers of the other lines have started.
    (4, "F7", "slow senders", slow.senders),
    (1, "F12", "SIGTERM under load", stop.gently),
    (3, "F13", "a worker that loses its lease", crash.worker),
    (1, "E", "concurrent writes to one record", races.one_record),
    (5, "G1", "one workspace sends many reports and searches", share.requests),
    (5, "G2", "files of the worst kinds", share.files),
    (5, "G3", "many jobs and mails of one workspace", share.jobs),
    (5, "G4", "many wrong passwords at once", share.signing_in),
]


def table(parts: list[Part]) -> None:
    print("\n| part | what | outcome | seconds | |\n| --- | --- | --- | --- | --- |")
    for part in parts:
        outcome = "FAILED" if part.wrong else "skipped" if part.skipped else "passed"
        print(f"| {part.name} | {part.title} | {outcome} | {part.seconds:.0f} | {part.skipped or '; '.join(part.notes)} |")
    for part in parts:
        for what, times in part.wrong.most_common(30):
            print(f"{part.name}: {what}" + (f" ({times} times)" if times > 1 else ""))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    # Client and server open thousands of sockets.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("torture: stopped"))
    only = [name.upper() for name in options.only.split(",") if name]
    lines: dict[int, list[Part]] = {}
    for line, name, title, run in PARTS:
        if not only or name.upper() in only:
            lines.setdefault(line if options.short else 0, []).append(Part(name, title, run, options))
    print(f"-- seed {options.seed}", flush=True)

    def follow(parts: list[Part]) -> None:
        for part in parts:
            part.go()

    threads = [threading.Thread(target=follow, args=[parts], daemon=True) for parts in lines.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    order = [name for _, name, *_ in PARTS]
    parts = sorted((part for line in lines.values() for part in line), key=lambda part: order.index(part.name))
    table(parts)
    wrong = sum(bool(part.wrong) for part in parts)
    if not wrong:
        shutil.rmtree(options.folder, ignore_errors=True)
    print(f"{wrong} of {len(parts)} parts failed" if wrong else "all parts passed")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())

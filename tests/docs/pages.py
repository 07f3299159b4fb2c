"""The pages for client developers as programs.

pages.py program PAGE LANGUAGE BASE   the blocks of a language in a page, joined
pages.py expect PAGE OUTPUT           what the comments of a page expect must stand in the output, in this order
pages.py codes PAGE CODES             the tables of a page must list exactly the codes that the server lists
"""

import json
import re
import sys
import time
from pathlib import Path

def blocks(page: str, language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```$", Path(page).read_text(), re.M | re.S)
    if not found:
        sys.exit(f"{page} has no {language}")
    return found


def in_main(code: str) -> str:
    """Kotlin: declarations at top level, the rest in `main`."""
    top, main, place = [], [], []
    for line in code.splitlines():
        if re.match(r"[^\s})\]]", line):
            declares = re.match(r"import |((data|inline|suspend|private|sealed|enum) )*(class|fun|object|interface|typealias) ", line)
            place = top if declares else main
        elif not line:
            continue
        place.append(line)
    return "\n".join([*top, "fun main() {", *main, "}"])


def program(page: str, language: str, base: str) -> None:
    code = "".join(blocks(page, language))
    code = code.replace("http://127.0.0.1:8080", base).replace("anna@example.com", f"anna{time.time_ns()}@example.com")
    print(in_main(code) if language == "kotlin" else code)


def expect(page: str, output: str) -> None:
    text, rest = Path(page).read_text(), Path(output).read_text()
    expected = re.findall(r"^(?:#|//) => (.*)$", text, re.M)
    if len(expected) < 5:
        sys.exit(f"{page} expects too little")
    for words in expected:
        if (at := rest.find(words)) < 0:
            sys.exit(f"{page}: {words} is not in\n{rest}")
        rest = rest[at:]
    print(f"{page}: {len(expected)} answers as written")


def codes(page: str, listed: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \|(?: (\d+) \|)? .*\|$", Path(page).read_text(), re.M)
    written = [(code, int(status) if status else None) for code, status in rows]
    there = [(code["code"], code["status"]) for code in json.loads(Path(listed).read_text())["data"]]
    wrong = [f"{code} {status or 'inside errors'} {what}" for what, ones in [
        ("is not in the tables", [row for row in there if row not in written]),
        ("is not a code of the server", [row for row in written if row not in there]),
        ("stands there twice", [row for n, row in enumerate(written) if row in written[:n]]),
    ] for code, status in ones]
    if wrong:
        sys.exit("\n".join([f"{page}:", *wrong]))
    print(f"{page}: {len(written)} codes, as the server lists them")


{"program": program, "expect": expect, "codes": codes}[sys.argv[1]](*sys.argv[2:])

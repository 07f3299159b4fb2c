"""Parses every file of a generated client whose language has no compiler here. Arguments: dart or swift, the folder."""

import re
import sys
from pathlib import Path

import tree_sitter_dart
import tree_sitter_swift
from tree_sitter import Language, Parser


def faults(node):
    if node.type == "ERROR" or node.is_missing:
        yield node
    for child in node.children:
        yield from faults(child)


language, folder = sys.argv[1:]
parser = Parser(Language({"dart": tree_sitter_dart, "swift": tree_sitter_swift}[language].language()))
files = sorted(Path(folder).rglob(f"*.{language}"))
found = 0
for file in files:
    # The grammar of Swift does not know that an empty tuple can be cast.
    source = re.sub(rb"(?<=[=:] )\(\)(?=\)? as! )", b"unit", file.read_bytes())
    for node in faults(parser.parse(source).root_node):
        found += 1
        line, column = node.start_point
        what = f"{node.type} is missing" if node.is_missing else node.text.decode()[:100]
        print(f"{file}:{line + 1}:{column + 1}: {what}", file=sys.stderr)
if found or not files:
    sys.exit(f"{found} faults in {len(files)} files")
print(f"{len(files)} files parse")

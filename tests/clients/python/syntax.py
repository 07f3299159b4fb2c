"""Parses every file of a generated client whose language has no compiler here. Arguments: the language, the folder."""

import re
import sys
from pathlib import Path

import tree_sitter_c_sharp
import tree_sitter_dart
import tree_sitter_java
import tree_sitter_php
import tree_sitter_ruby
import tree_sitter_swift
from tree_sitter import Language, Parser


def faults(node):
    if node.type == "ERROR" or node.is_missing:
        yield node
    for child in node.children:
        yield from faults(child)


GRAMMARS = {
    "csharp": ("cs", tree_sitter_c_sharp.language),
    "dart": ("dart", tree_sitter_dart.language),
    "java": ("java", tree_sitter_java.language),
    "php": ("php", tree_sitter_php.language_php),
    "ruby": ("rb", tree_sitter_ruby.language),
    "swift": ("swift", tree_sitter_swift.language),
}
language, folder = sys.argv[1:]
ending, grammar = GRAMMARS[language]
parser = Parser(Language(grammar()))
files = sorted(Path(folder).rglob(f"*.{ending}"))
found = 0
for file in files:
    # The grammar of Swift does not know that an empty tuple can be cast.
    source = re.sub(rb"(?<=[=:] )\(\)(?=\)? as! )", b"unit", file.read_bytes())
    # And that of C# takes a variable called `required` for the keyword.
    source = re.sub(rb"(?m)^( +)required = ", rb"\1needed = ", source)
    for node in faults(parser.parse(source).root_node):
        found += 1
        line, column = node.start_point
        what = f"{node.type} is missing" if node.is_missing else node.text.decode()[:100]
        print(f"{file}:{line + 1}:{column + 1}: {what}", file=sys.stderr)
if found or not files:
    sys.exit(f"{found} faults in {len(files)} files")
print(f"{len(files)} files parse")

"""Imports every module of a generated package. Arguments: the folder it is in, its name."""

import importlib
import pkgutil
import sys

folder, package = sys.argv[1:]
sys.path.insert(0, folder)
names = [m.name for m in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")]
for name in names:
    importlib.import_module(name)
print(f"{len(names)} modules import")

"""The modules that moved between two versions of the template, and an owner's code with their new names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .clone import Clone, Tree

TABLES = re.compile(r"<!-- modules that moved -->(.*?)<!-- end of modules that moved -->", re.DOTALL)
ROW = re.compile(r"^\| `(src[\w.]+)` \| `(src[\w.]+)` \|$", re.MULTILINE)
MODULE = re.compile(r"\bsrc(?:\.\w+)+")
SPACES = ("frontend", "backend")
ALIKE = "40%"
"""How much of a file must be the same for git to see that it moved."""


@dataclass(frozen=True)
class Moves:
    """Where files and modules of the old version are in the new one."""

    files: Mapping[str, str]
    """The new path of each file, by its old one."""
    modules: Mapping[str, Mapping[str, str]]
    """For each Space, the new name of each module by its old one."""

    def renamed(self, path: str, code: bytes) -> bytes:
        """Return a Python file of a Space with the new names of the modules that it uses."""
        known = self.modules.get(path.partition("/")[0], {})
        if not known or not path.endswith(".py"):
            return code
        text = code.decode(errors="surrogateescape")
        return MODULE.sub(lambda found: _renamed(found[0], known), text).encode(errors="surrogateescape")


def find_moves(clone: Clone, base: str, new: str) -> Moves:
    """Return what moved: as the changelog says, else as git sees it, else to the only file of that name."""
    old_tree, new_tree = clone.tree(base), clone.tree(new)
    files: dict[str, str] = {}
    for space in SPACES:
        files |= _by_name(space, old_tree, new_tree) | _by_content(clone, base, new, space)
    files |= _by_content(clone, base, new, *(f":!{space}" for space in SPACES))
    tables = TABLES.findall(clone.read(new_tree.get("CHANGELOG.md")).decode(errors="replace"))
    told = dict(row for table in tables for row in ROW.findall(table))
    for space in SPACES:
        for old, module in told.items():
            if _path(space, old) in old_tree and _path(space, module) in new_tree:
                files[_path(space, old)] = _path(space, module)
    modules = {space: _modules(space, files, old_tree, new_tree) for space in SPACES}
    return Moves(files, modules)


def _by_content(clone: Clone, base: str, new: str, *places: str) -> dict[str, str]:
    """Return the moves that git sees. The Spaces share files, so each is looked at by itself."""
    command = ["diff", "-z", "--name-status", "--diff-filter=R", "-l0", f"--find-renames={ALIKE}"]
    parts = clone.paths(*command, base, new, "--", *places)
    return dict(zip(parts[1::3], parts[2::3], strict=True))


def _by_name(space: str, old: Tree, new: Tree) -> dict[str, str]:
    """Return where modules went of which the new version has exactly one with the same file name."""
    places: dict[str, list[str]] = {}
    for path in new:
        if path.startswith(f"{space}/src/") and path.endswith(".py") and path not in old:
            places.setdefault(path.rpartition("/")[2], []).append(path)
    gone = (path for path in old if path.startswith(f"{space}/src/") and path not in new)
    found = ((path, places.get(path.rpartition("/")[2], [])) for path in gone)
    return {path: new_places[0] for path, new_places in found if len(new_places) == 1}


def _modules(space: str, files: Mapping[str, str], old: Tree, new: Tree) -> dict[str, str]:
    return {
        _name(before): _name(after)
        for before, after in files.items()
        if before.startswith(f"{space}/src/") and after.startswith(f"{space}/src/")
        if before.endswith(".py") and after.endswith(".py") and before in old and before not in new
    }


def _renamed(name: str, known: Mapping[str, str]) -> str:
    """Rename the longest part of a dotted name that is a module that moved."""
    parts = name.split(".")
    for end in range(len(parts), 1, -1):
        module = ".".join(parts[:end])
        if module in known:
            return ".".join([known[module], *parts[end:]])
    return name


def _path(space: str, module: str) -> str:
    return f"{space}/{module.replace('.', '/')}.py"


def _name(path: str) -> str:
    return path.partition("/")[2].removesuffix(".py").removesuffix("/__init__").replace("/", ".")

"""The requirement files of a Space: the new list, with the packages that the owner added at its end."""

from __future__ import annotations

import re
from typing import NamedTuple

NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^]]*\])?")


class Packages(NamedTuple):
    """A merged list, and the owner's lines that it does not have."""

    text: str
    dropped: tuple[str, ...]
    """Other versions of packages that the template pins itself."""


def merge_packages(base: str, ours: str, new: str) -> Packages:
    """Return the new list with the owner's lines at its end.

    A line for a package that the new list pins would make the installation fail, unless it is the same
    version with an extra. It is left out and named.
    """
    before = {_requirement(line) for line in base.splitlines()}
    pinned = {name: line for line in new.splitlines() if (name := _name(line))}
    added: list[str] = []
    dropped: list[str] = []
    taken = {_requirement(line) for line in new.splitlines()}
    for line in ours.splitlines():
        requirement = _requirement(line)
        if not requirement or requirement in before or requirement in taken:
            continue
        known = pinned.get(_name(line))
        is_extra = known is not None and "[" in requirement and _version(requirement) == _version(known)
        (added if known is None or is_extra else dropped).append(line)
    return Packages(new.rstrip("\n") + "\n" + "".join(f"{line}\n" for line in added), tuple(dropped))


def _requirement(line: str) -> str:
    return line.partition("#")[0].strip()


def _name(line: str) -> str:
    found = NAME.match(_requirement(line))
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else ""


def _version(line: str) -> str:
    return _requirement(line).partition("==")[2].partition(";")[0].strip()

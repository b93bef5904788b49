"""Names with reasons, as an owner lists them in a file by hand: `- name` or `- name: reason`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

from ..errors import BadFile

Reasons = Mapping[str, str]
"""Reasons, which may be empty, by name or pattern (`spammers/*`), all in lower case."""

WILDCARDS = frozenset("*?[")
"""What makes a name a pattern."""


def read_reasons(value: object, kind: str) -> dict[str, str]:
    """Read the list under a key of a file. Raises BadFile if it is not such a list."""
    found: dict[str, str] = {}
    for item in value if isinstance(value, list) else [value] if value else []:
        entries = item.items() if isinstance(item, Mapping) else [(item, "")]
        for name, reason in entries:
            if not isinstance(name, str) or not isinstance(reason, str) or not name.strip():
                raise BadFile(f"an entry of {kind} is neither a name nor a name with a reason: {item!r:.100}")
            found[name.strip().casefold()] = reason.strip()
    return found


def finder(reasons: Reasons) -> Callable[[str], str | None]:
    """Return what finds the reason of a name in any letter case; it returns None for one that is not listed.

    Make it once for many names: a list of a thousand names has few patterns, and only these are tried.
    """
    patterns = [(name, reason) for name, reason in reasons.items() if not WILDCARDS.isdisjoint(name)]

    def find(name: str) -> str | None:
        name = name.casefold()
        if name in reasons:
            return reasons[name]
        return next((reason for pattern, reason in patterns if fnmatchcase(name, pattern)), None)

    return find

"""Names with reasons, as an owner lists them in a file by hand: `- name` or `- name: reason`."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from ..errors import BadFile

Reasons = Mapping[str, str]
"""Reasons, which may be empty, by name or pattern (`spammers/*`), all in lower case."""


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


def reason_for(reasons: Reasons, name: str) -> str | None:
    """Return the reason of a name in any letter case; None if it is not listed."""
    name = name.casefold()
    if name in reasons:
        return reasons[name]
    return next((reason for pattern, reason in reasons.items() if fnmatchcase(name, pattern)), None)

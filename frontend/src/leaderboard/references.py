"""The name by which a link means one row: the model, and as much of the rest as tells its rows apart.

`acme/tiny` is the model's best row. `acme/tiny:float16` is its best one in this precision, and so on with the
weight type and `chat`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import NamedTuple

from src.leaderboard.rows import Row, Standings

SEPARATOR = ":"
"""No model, precision or weight type of the Hub has it in its name."""

CHAT = "chat"

LONGEST = 400
"""Characters of a reference that are read."""

LONGEST_PART = 100
"""Characters of each part of a reference: the Hub's longest names have 96. With a number, all parts fit."""


Identity = tuple[str, str, str, bool]
"""What no two rows share: model, precision, weight type and use of the chat template."""


class _Names(NamedTuple):
    """Both ways at once."""

    meant: Mapping[str, Identity]
    """The row that each reference means, in lower case."""
    shortest: Mapping[Identity, str]
    """The shortest reference of each row."""


def reference(standings: Standings, row: Row) -> str:
    """Return the shortest reference of a row of these standings."""
    return _names(standings).shortest[_identity(row)]


def referred(standings: Standings, text: str) -> Row | None:
    """Return the row that a reference means, which anybody may have written; None if there is none."""
    meant = _names(standings).meant.get(text[:LONGEST].strip().casefold())
    return None if meant is None else _by_identity(standings)[meant]


def _identity(row: Row) -> Identity:
    return row.model, row.precision, row.weight_type, row.use_chat_template


def _by_identity(standings: Standings) -> Mapping[Identity, Row]:
    return standings.derived.once("rows by identity", lambda: {_identity(row): row for row in standings.rows})


def _names(standings: Standings) -> _Names:
    """Return the names on the leaderboard as published: a scoring of one's own gives no row another name."""
    published = standings.published or standings
    return published.derived.once("references", lambda: _made(published))


def _made(standings: Standings) -> _Names:
    meant: dict[str, Identity] = {}
    shortest: dict[Identity, str] = {}
    for row in standings.rows:  # the best first
        identity, texts = _identity(row), _references(row)
        own = [text for text in texts if meant.setdefault(text.casefold(), identity) is identity]
        shortest[identity] = own[0] if own else _numbered(texts[-1], identity, meant)
    return _Names(meant, shortest)


def _references(row: Row) -> Sequence[str]:
    """Return the references of a row, the shortest first."""
    parts = [row.model, row.precision, row.weight_type, *([CHAT] if row.use_chat_template else [])]
    parts = [part[:LONGEST_PART].strip() for part in parts]
    return [SEPARATOR.join(parts[:end]) for end in range(1, len(parts) + 1)]


def _numbered(text: str, identity: Identity, meant: dict[str, Identity]) -> str:
    """Return a reference for a row that has none: only names that no Hub has need it."""
    numbered = (f"{text}{SEPARATOR}{number}" for number in count(len(meant)))
    return next(each for each in numbered if meant.setdefault(each.casefold(), identity) is identity)

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


class _Names(NamedTuple):
    """Both ways at once."""

    rows: Mapping[str, Row]
    """The row that each reference means, in lower case."""
    shortest: Mapping[int, str]
    """The shortest reference of each row, by the row's `id`."""


def reference(standings: Standings, row: Row) -> str:
    """Return the shortest reference of a row of these standings."""
    return _names(standings).shortest[id(row)]


def referred(standings: Standings, text: str) -> Row | None:
    """Return the row that a reference means, which anybody may have written; None if there is none."""
    return _names(standings).rows.get(text[:LONGEST].strip().casefold())


def _names(standings: Standings) -> _Names:
    return standings.derived.once("references", lambda: _made(standings))


def _made(standings: Standings) -> _Names:
    rows: dict[str, Row] = {}
    shortest: dict[int, str] = {}
    for row in standings.rows:  # the best first
        texts = _references(row)
        own = [text for text in texts if rows.setdefault(text.casefold(), row) is row]
        shortest[id(row)] = own[0] if own else _numbered(texts[-1], row, rows)
    return _Names(rows, shortest)


def _references(row: Row) -> Sequence[str]:
    """Return the references of a row, the shortest first."""
    parts = [row.model, row.precision, row.weight_type, *([CHAT] if row.use_chat_template else [])]
    parts = [part[:LONGEST_PART].strip() for part in parts]
    return [SEPARATOR.join(parts[:end]) for end in range(1, len(parts) + 1)]


def _numbered(text: str, row: Row, rows: dict[str, Row]) -> str:
    """Return a reference for a row that has none: only names that no Hub has need it."""
    numbered = (f"{text}{SEPARATOR}{number}" for number in count(len(rows)))
    return next(each for each in numbered if rows.setdefault(each.casefold(), row) is row)

"""What an address of the plain page asks for: a view, its first row, and whether it is embedded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from src.columns import Column, columns, optional_columns
from src.leaderboard import address
from src.leaderboard.rows import Standings
from src.leaderboard.view import BY_RANK, Table, ViewState, view

FROM, EMBED, YES = "from", "embed", "1"

LONGEST_QUERY = 16_000
"""Characters. A search of 1,000 letters, each escaped, and every filter fit."""


class Part(NamedTuple):
    """The rows of a view that one page has."""

    table: Table
    first: int
    """The number of the first of its rows, from 1."""


@dataclass(frozen=True)
class Asked:
    """What an address asks for."""

    state: ViewState
    first: int = 1
    """The number of the row to begin with."""
    is_embedded: bool = False

    def query(self, offered: Sequence[Column]) -> str:
        """Return the query for it: the same for all addresses that ask for the same."""
        pairs = [(FROM, str(self.first))] if self.first > 1 else []
        pairs += [(EMBED, YES)] if self.is_embedded else []
        return "&".join(filter(None, [address.query(self.state, offered), urlencode(pairs)]))

    def part(self, standings: Standings, *, most: int | None = None) -> Part:
        """Return the rows. `most` limits how many; a page behind the last one is the first."""
        table = view(standings, replace(self.state, size=None))
        first = self.first if self.first <= table.found else 1
        sizes = [size for size in (self.state.size, most) if size is not None]
        here = slice(first - 1, first - 1 + min(sizes) if sizes else None)
        cut = replace(
            table, rows=table.rows[here], places=table.places[here], references=table.references[here]
        )
        return Part(cut, first)


def read(query: str, standings: Standings) -> Asked:
    """Return what a query asks for, which anybody may have written."""
    every = columns(standings.tasks)
    state = address.state(query, offered(standings))
    if state.sort.column not in {column.name for column in every}:
        state = replace(state, sort=BY_RANK)
    own = dict(parse_qsl(query)) if query.count("&") < address.MOST_PAIRS else {}
    return Asked(state, _row_number(own.get(FROM, "")), own.get(EMBED) == YES)


def offered(standings: Standings) -> Sequence[Column]:
    """Return the columns that visitors can show and hide."""
    return optional_columns(standings.tasks)


def _row_number(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) < 7
    return max(1, int(text)) if is_number else 1

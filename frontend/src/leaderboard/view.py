"""The view: a pure function from the standings and a visitor's choices to the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf

from src.columns import PRECISION, TYPE, Cell, Column, columns
from src.leaderboard.rows import Row, Standings
from src.leaderboard.search import found, read_search

GONE = "No longer on the Hub"
HIDEABLE: Mapping[str, Callable[[Row], bool]] = {
    GONE: lambda row: row.is_available is False,
    "Without all scores": lambda row: not row.is_complete,
}
"""Kinds of rows that a visitor can hide. A model that was never checked does not count as gone."""


@dataclass(frozen=True)
class Sizes:
    """A range of sizes in billions of parameters."""

    low: float | None = None
    """The smallest size in the range; None if it has no lower end."""
    high: float | None = None
    """The largest size in the range; None if it has no upper end."""
    with_unknown: bool = False
    """Whether models of unknown size are in the range."""


@dataclass(frozen=True)
class ViewState:
    """What a visitor chose. An empty choice shows everything."""

    columns: frozenset[str] | None = None
    """Names of columns; None means the default ones."""
    search: str = ""
    types: frozenset[str] = frozenset()
    """Values of the column Type."""
    precisions: frozenset[str] = frozenset()
    """Values of the column Precision."""
    sizes: Sizes = Sizes()
    hidden: frozenset[str] = frozenset()
    """Names from HIDEABLE."""


@dataclass(frozen=True)
class Line:
    """One line of the table: the row that it shows, and a cell per column."""

    row: Row
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """What the page shows."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: int
    """The number of rows without search and filters."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """The rows with their cells."""
        return tuple(Line(row, tuple(column.cell(row) for column in self.columns)) for row in self.rows)


def view(standings: Standings, state: ViewState) -> Table:
    """Return the table for a state. Rows keep their order and rank. Fixed columns are always shown."""
    chosen = tuple(column for column in columns(standings.tasks) if _is_chosen(column, state))
    rows = tuple(row for row in found(standings, read_search(state.search)) if _passes(row, state))
    return Table(chosen, rows, total=len(standings.rows))


def choices(column: Column, rows: Iterable[Row]) -> list[str]:
    """Return the choices of a filter on a column: the values that occur."""
    return sorted(
        {str(value) for row in rows if (value := column.value_of(row)) is not None}, key=str.casefold
    )


def _is_chosen(column: Column, state: ViewState) -> bool:
    if column.is_fixed:
        return True
    return column.is_default if state.columns is None else column.name in state.columns


def _passes(row: Row, state: ViewState) -> bool:
    has_type = not state.types or TYPE.value_of(row) in state.types
    has_precision = not state.precisions or PRECISION.value_of(row) in state.precisions
    is_hidden = any(HIDEABLE[name](row) for name in state.hidden)
    return has_type and has_precision and not is_hidden and _fits(row, state.sizes)


def _fits(row: Row, sizes: Sizes) -> bool:
    if sizes.low is None and sizes.high is None:
        return True
    params = row.request.params if row.request else None
    if params is None:
        return sizes.with_unknown
    return (sizes.low or 0.0) <= params <= (inf if sizes.high is None else sizes.high)

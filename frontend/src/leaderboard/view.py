"""The view: a pure function from the standings and what a visitor chose to the table that is shown."""

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
"""Kinds of rows that a visitor can hide. What was never checked is not gone."""


@dataclass(frozen=True)
class Sizes:
    """A range of sizes in billions of parameters, both ends included; None where it has no end.

    A model of unknown size is in no range, unless `with_unknown`.
    """

    low: float | None = None
    high: float | None = None
    with_unknown: bool = False


@dataclass(frozen=True)
class ViewState:
    """What a visitor chose; an empty choice leaves nothing out.

    `columns` are names of columns, `types` and `precisions` values of these columns. `hidden` are names from
    HIDEABLE.
    """

    columns: frozenset[str] | None = None
    search: str = ""
    types: frozenset[str] = frozenset()
    precisions: frozenset[str] = frozenset()
    sizes: Sizes = Sizes()
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Line:
    """One line of the table: the row that it shows, and a cell per column."""

    row: Row
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """What the page shows; `total` is the number of rows without search and filters."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: int

    @property
    def lines(self) -> tuple[Line, ...]:
        """The rows with their cells."""
        return tuple(Line(row, tuple(column.cell(row) for column in self.columns)) for row in self.rows)


def view(standings: Standings, state: ViewState) -> Table:
    """The table for a state. Rows keep their order and rank; fixed columns are always there."""
    chosen = tuple(column for column in columns(standings.tasks) if _is_chosen(column, state))
    rows = tuple(row for row in found(standings, read_search(state.search)) if _passes(row, state))
    return Table(chosen, rows, total=len(standings.rows))


def choices(column: Column, rows: Iterable[Row]) -> list[str]:
    """What a filter on a column offers: the values that are there."""
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

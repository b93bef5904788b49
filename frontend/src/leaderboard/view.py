"""The view: a pure function from the standings and a visitor's choices to the table."""

from __future__ import annotations

from dataclasses import dataclass, field

from src.columns import Cell, Column, columns
from src.leaderboard.filters import Chosen, predicate
from src.leaderboard.rows import Row, Standings
from src.leaderboard.search import found, read_search


@dataclass(frozen=True)
class ViewState:
    """What a visitor chose. An empty choice shows everything."""

    columns: frozenset[str] | None = None
    """Names of columns; None means the default ones."""
    search: str = ""
    filters: Chosen = field(default_factory=dict)
    """What is chosen of each filter, by its name."""


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
    passes = predicate(state.filters)
    rows = tuple(row for row in found(standings, read_search(state.search)) if passes(row))
    return Table(chosen, rows, total=len(standings.rows))


def _is_chosen(column: Column, state: ViewState) -> bool:
    if column.is_fixed:
        return True
    return column.is_default if state.columns is None else column.name in state.columns

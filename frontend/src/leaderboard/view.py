"""The view: a pure function from the standings and a visitor's choices to the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from src.columns import AVERAGE, RANK, Cell, Cells, Column, Value, columns, score
from src.leaderboard.filters import FILTERS, Chosen, predicate
from src.leaderboard.ranking import ranges
from src.leaderboard.references import reference
from src.leaderboard.rescoring import AS_PUBLISHED, Scoring, counting, rescored
from src.leaderboard.rows import Row, Standings
from src.leaderboard.scores import scores_of
from src.leaderboard.search import found, read_search
from src.leaderboard.sorting import Sort, in_order, is_descending, places
from src.leaderboard.uncertainty import RankRange

BY_RANK = Sort(RANK.name)

PAGE = 100
"""How many rows are shown until a visitor asks for more."""


@dataclass(frozen=True)
class ViewState:
    """What a visitor chose. An empty choice shows everything."""

    columns: frozenset[str] | None = None
    """Names of columns; None means the default ones."""
    search: str = ""
    filters: Chosen = field(default_factory=dict)
    """What is chosen of each filter, by its name."""
    sort: Sort = BY_RANK
    size: int | None = None
    """How many rows are shown at most; None for all."""
    scoring: Scoring = AS_PUBLISHED
    has_ranges: bool = False
    """Whether each rank is shown as a range of ranks."""


OPENING = ViewState(filters={each.name: each.at_first for each in FILTERS}, size=PAGE)
"""What the page opens with."""


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
    sorted_by: Column
    is_descending: bool
    """Whether the largest value of that column comes first."""
    found: int
    """The number of rows that the search and the filters leave."""
    total: int
    """The number of rows without search and filters."""
    best: Mapping[str, Value]
    """The best score among the rows that were found, by the name of each column of scores."""
    places: tuple[int | None, ...] = ()
    """The place of each row among all rows of the leaderboard in the scores that it is sorted by; empty if it
    is not sorted by scores. Ranks never change with the order.
    """
    references: tuple[str, ...] = ()
    """By which links name each row."""
    ranges: Mapping[int, RankRange] | None = None
    """The ranks that each row may have, by its `id`; None unless they are asked for."""
    scoring: Scoring = AS_PUBLISHED

    def cells(self, column: Column) -> Cells:
        """Return a column's cells. The scores that the rows are sorted by begin with their places."""
        cells = column.cells(self.rows)
        if column is RANK and self.ranges:
            found = [self.ranges.get(id(row)) for row in self.rows]
            return cells._replace(
                texts=[
                    each.after(rank) if each else rank for rank, each in zip(cells.texts, found, strict=True)
                ]
            )
        if column is not self.sorted_by or not self.places:
            return cells
        pairs = zip(cells.texts, self.places, strict=True)
        return cells._replace(texts=[f"#{place} {text}" if place else text for text, place in pairs])

    @property
    def lines(self) -> tuple[Line, ...]:
        """The rows with their cells."""
        return tuple(Line(row, tuple(column.cell(row) for column in self.columns)) for row in self.rows)


def view(standings: Standings, state: ViewState) -> Table:
    """Return the table for a state. Rows keep their rank. Fixed columns are always shown.

    The order is that of the ranks if the column to sort by does not exist. Under a visitor's own scoring,
    averages and ranks are other ones.
    """
    scoring = counting(standings, state.scoring)
    standings = rescored(standings, scoring)
    every = columns(standings.tasks)
    passes = predicate(state.filters)
    rows: Sequence[Row] = [row for row in found(standings, read_search(state.search)) if passes(row)]
    by = next((column for column in every if column.name == state.sort.column), RANK)
    sort = state.sort if by.name == state.sort.column else BY_RANK
    if sort != BY_RANK:
        kept = {id(row) for row in rows}
        rows = [row for row in _ordered(standings, by, sort) if id(row) in kept]
    chosen = tuple(column for column in every if _is_chosen(column, state))
    shown = tuple(rows[: state.size])
    return Table(
        columns=chosen,
        rows=shown,
        sorted_by=by,
        is_descending=is_descending(by, sort),
        found=len(rows),
        total=len(standings.rows),
        places=_places(standings, by, shown) if sort != BY_RANK else (),
        best=_best(standings, chosen, rows),
        references=tuple(reference(standings, row) for row in shown),
        ranges=ranges(standings) if state.has_ranges else None,
        scoring=scoring,
    )


def _ordered(standings: Standings, by: Column, sort: Sort) -> Sequence[Row]:
    """Return all rows in an order, sorted once for all visitors."""
    return standings.derived.once(("order", sort), lambda: in_order(standings.rows, by, sort))


def _places(standings: Standings, by: Column, shown: Sequence[Row]) -> tuple[int | None, ...]:
    if by.text is not score or by is AVERAGE:  # the average's places are the ranks
        return ()
    found = places(standings, by)
    return tuple(int(found[standings.number(row)]) or None for row in shown)


def _best(standings: Standings, chosen: Sequence[Column], rows: Sequence[Row]) -> dict[str, float]:
    """Return the best score of each column that has several, by the column's name."""
    found = list(map(standings.number, rows))
    best = {}
    for column in chosen:
        if column.text is not score:
            continue
        scores = scores_of(standings, column)[found]
        known = scores[~np.isnan(scores)]
        if known.size and known.min() < known.max():
            best[column.name] = float(known.min() if column.lower_first else known.max())
    return best


def _is_chosen(column: Column, state: ViewState) -> bool:
    if column.is_fixed:
        return True
    return column.is_default if state.columns is None else column.name in state.columns

"""The order of the rows: by a column that a visitor chose, the best first and missing values last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from src.columns import Column, Value
from src.leaderboard.ranking import rounded
from src.leaderboard.rows import Row, Standings
from src.leaderboard.scores import scores_of


@dataclass(frozen=True)
class Sort:
    """A column, and which of its ends comes first."""

    column: str
    """The column's name."""
    worst_first: bool = False


def is_descending(column: Column, sort: Sort) -> bool:
    """Return whether the largest value comes first. The best is the largest number, unless lower is better;
    texts begin with A.
    """
    return (not column.is_text and not column.lower_first) != sort.worst_first


def in_order(rows: Sequence[Row], column: Column, sort: Sort) -> Sequence[Row]:
    """Return the rows in order. Rows with equal values stay as they were; rows without a value come last."""
    values = [(column.value_of(row), row) for row in rows]
    known = [(_key(value), row) for value, row in values if value is not None]
    known.sort(key=lambda pair: pair[0], reverse=is_descending(column, sort))
    return [row for _, row in known] + [row for value, row in values if value is None]


def places(standings: Standings, column: Column) -> Mapping[int, int]:
    """Return each row's place in a column of scores, by the row's `id`. The best is 1, and equals share."""
    return standings.derived.once(("places", column.name), lambda: _places(standings, column))


def _places(standings: Standings, column: Column) -> Mapping[int, int]:
    scores = scores_of(standings, column)
    known = np.flatnonzero(~np.isnan(scores))
    values = np.array([rounded(score) for score in scores[known].tolist()])
    values = values if column.lower_first else -values
    found = np.searchsorted(np.sort(values), values) + 1
    rows = standings.rows
    return {id(rows[row]): place for row, place in zip(known.tolist(), found.tolist(), strict=True)}


def _key(value: Value) -> tuple[bool, float | str]:
    """A key by which numbers and texts can be compared: an owner's column may hold both."""
    return (True, value.casefold()) if isinstance(value, str) else (False, value or 0)

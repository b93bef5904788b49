"""The order of the rows: by a column that a visitor chose, the best first and missing values last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from src.columns import Column, Value
from src.leaderboard.ranking import all_rounded
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


def places(standings: Standings, column: Column) -> NDArray[np.int64]:
    """Return the place of each row in a column of scores. The best is 1, and equals share. 0 is no score."""
    return standings.derived.once(("places", column.name), lambda: _places(standings, column))


def _places(standings: Standings, column: Column) -> NDArray[np.int64]:
    scores = scores_of(standings, column)
    known = ~np.isnan(scores)
    values = all_rounded(scores[known] if column.lower_first else -scores[known])
    found = np.zeros(len(scores), dtype=np.int64)
    found[known] = np.searchsorted(np.sort(values), values) + 1
    return found


def _key(value: Value) -> tuple[bool, float | str]:
    """A key by which numbers and texts can be compared: an owner's column may hold both."""
    return (True, value.casefold()) if isinstance(value, str) else (False, value or 0)

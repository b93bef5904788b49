"""The averages of the rows, and their ranks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.leaderboard.rows import Row, Standings
from src.leaderboard.scoring import Group, TaskColumn, groups_of
from src.leaderboard.uncertainty import RankRange, rank_ranges
from src.leaderboard.weights import Weights

DIGITS = 9
"""How many digits of a score count."""

LARGE = 1e6
"""Scores of this size have hardly more digits."""


class Averaging(NamedTuple):
    """Which scores rank a row."""

    places: tuple[int, ...]
    """The places of their columns."""
    weights: Weights
    is_mean: bool
    """Whether their mean is the average. A leaderboard where lower is better everywhere has none: the first
    column ranks its rows.
    """

    @classmethod
    def of(cls, columns: Sequence[TaskColumn]) -> Averaging:
        """Return which columns rank."""
        averaged = [place for place, column in enumerate(columns) if column.is_averaged]
        places = averaged or [place for place, column in enumerate(columns) if column.task.in_average]
        weights = Weights.of([columns[place].task.weight for place in places])
        return cls(tuple(places), weights, bool(averaged))


def scored(rows: Iterable[Row], columns: Sequence[TaskColumn], *, rank_mixed: bool) -> list[Row]:
    """Return the rows with their averages, and with the means of groups of tasks.

    Unless `rank_mixed`, marked scores do not count.
    """
    averaging, groups = Averaging.of(columns), groups_of(columns)
    found = []
    for row in rows:
        counted = row.scores if rank_mixed else _unmarked(row)
        row = averaged(row, counted, averaging)
        if groups:
            row = replace(row, groups=tuple(_group_mean(counted, columns, group) for group in groups))
        found.append(row)
    return found


def averaged(row: Row, counted: Sequence[float | None], averaging: Averaging) -> Row:
    """Return the row with its average and standing, from the scores that count. It has no rank yet."""
    known = [score for place in averaging.places if (score := counted[place]) is not None]
    average = standing = error = None
    if len(known) == len(averaging.places):
        if averaging.is_mean:
            average = standing = averaging.weights.mean(known)
            error = averaging.weights.error([row.errors[place] for place in averaging.places])
        else:
            standing, error = -known[0], row.errors[averaging.places[0]]
    return replace(
        row,
        average=average,
        done=len(known),
        total=len(averaging.places),
        standing=standing,
        standing_error=error,
        rank=None,
    )


def ranges(standings: Standings) -> Mapping[int, RankRange]:
    """Return the ranks that each row may have, by its `id`. Rows without a rank or an error have no range.

    A range always holds the row's own rank, since both are of the same rounded scores.
    """

    def made() -> Mapping[int, RankRange]:
        rows = [row for row in standings.rows if row.standing is not None]
        found = rank_ranges([_rounded(row) for row in rows], [row.standing_error for row in rows])
        return {id(row): each for row, each in zip(rows, found, strict=True) if each}

    return standings.derived.once("rank ranges", made)


def _group_mean(counted: Sequence[float | None], columns: Sequence[TaskColumn], group: Group) -> float | None:
    known = [score for place in group.places if (score := counted[place]) is not None]
    weights = Weights.of([columns[place].task.weight for place in group.places])
    return weights.mean(known) if len(known) == len(group.places) else None


def ranked(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rank the rows, the best first. Equal rows share a rank. Rows without a standing come last."""
    rows = sorted(rows, key=_by_name)
    standing = sorted((row for row in rows if row.standing is not None), key=lambda row: -(row.standing or 0))
    rest = sorted((row for row in rows if row.standing is None), key=lambda row: -row.done)
    ranks: dict[float, int] = {}
    for place, row in enumerate(standing, start=1):
        ranks.setdefault(_rounded(row), place)
    return (*(replace(row, rank=ranks[_rounded(row)]) for row in standing), *rest)


def rounded(score: float) -> float:
    """Round a score: means that differ by less are equal. The order of adding makes such differences."""
    return round(score, DIGITS)


def all_rounded(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round many scores at once. Those that are too large for so many digits stay as they are."""
    with np.errstate(over="ignore"):
        return np.where(np.abs(scores) < LARGE, scores.round(DIGITS), scores)


def _unmarked(row: Row) -> Sequence[float | None]:
    """Return the scores of a row, without those that are marked."""
    if not row.marks:
        return row.scores
    return [None if mark else score for score, mark in zip(row.scores, row.marks, strict=True)]


def _by_name(row: Row) -> tuple[str, str, str, bool]:
    return row.model.casefold(), row.precision, row.weight_type, row.use_chat_template


def _rounded(row: Row) -> float:
    return rounded(row.standing or 0.0)

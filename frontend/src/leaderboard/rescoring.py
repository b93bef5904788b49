"""The leaderboard as a visitor scores it: with weights of one's own, or with scores where guessing is 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from cachetools import LRUCache

from src.leaderboard.ranking import ranked, scored
from src.leaderboard.rows import Row, Standings
from src.leaderboard.scoring import TaskColumn

PERFECT = 100.0
"""The best possible score of a column of fractions."""

MOST_WEIGHT = 1_000_000.0
"""The largest weight that a visitor can give. An owner's weights may be numbers of questions."""

KEPT = 8
"""How many leaderboards that visitors scored are kept."""


@dataclass(frozen=True)
class Scoring:
    """How a visitor wants scores to be read and averaged."""

    weights: frozenset[tuple[str, float]] = frozenset()
    """Weights in the average by the column's name, where they are not the owner's; 0 leaves a column out."""
    is_normalised: bool = False
    """Whether 0 is the score of guessing, where that is known."""

    @property
    def weights_in_words(self) -> str:
        """The weights as people read them: `GSM8K × 2, MMLU × 0`."""
        return ", ".join(f"{name} × {weight:g}" for name, weight in sorted(self.weights))


AS_PUBLISHED = Scoring()


def rescored(standings: Standings, scoring: Scoring) -> Standings:
    """Return the leaderboard under a scoring: with other averages, and other ranks.

    Weights that leave no column in the average do not count.
    """
    if scoring == AS_PUBLISHED:
        return standings
    return standings.derived.once("rescored", _Kept).get(standings, scoring)


def can_be_normalised(column: TaskColumn) -> bool:
    """Return whether a column's scores have a place between guessing and perfect."""
    return (
        column.guessing is not None
        and column.is_fraction
        and column.higher_is_better
        and 0 < column.guessing < PERFECT
    )


@dataclass
class _Kept:
    """The leaderboards that visitors asked for lately. One is made at a time, whoever asks."""

    made: LRUCache[Scoring, Standings] = field(default_factory=lambda: LRUCache(KEPT))
    lock: Lock = field(default_factory=Lock)

    def get(self, standings: Standings, scoring: Scoring) -> Standings:
        with self.lock:
            if scoring not in self.made:
                self.made[scoring] = _rescored(standings, scoring)
            return self.made[scoring]


def _rescored(standings: Standings, scoring: Scoring) -> Standings:
    columns = _weighted(standings.tasks, dict(scoring.weights))
    rows: Sequence[Row] = standings.rows
    if scoring.is_normalised:
        shares = list(map(_share_above_guessing, columns))
        rows = [_normalised(row, shares) for row in rows]
        columns = tuple(replace(each, guessing=0.0) if can_be_normalised(each) else each for each in columns)
    rows = scored(rows, columns, rank_mixed=standings.rank_mixed)
    return Standings(columns, ranked(rows), rank_mixed=standings.rank_mixed, doubts=standings.doubts)


def _weighted(columns: Sequence[TaskColumn], weights: dict[str, float]) -> tuple[TaskColumn, ...]:
    found = tuple(
        column
        if (weight := weights.get(column.task.col_name)) is None
        else replace(
            column,
            task=replace(column.task, weight=weight or column.task.weight, in_average=weight > 0),
        )
        for column in columns
    )
    return found if any(column.is_averaged for column in found) else tuple(columns)


def _share_above_guessing(column: TaskColumn) -> float:
    """Return the share of the scale that lies between guessing and perfect; 1 if scores stay as they are."""
    return 1 - (column.guessing or 0.0) / PERFECT if can_be_normalised(column) else 1.0


def _normalised(row: Row, shares: Sequence[float]) -> Row:
    scores = (
        score if score is None or share == 1 else PERFECT - (PERFECT - score) / share
        for score, share in zip(row.scores, shares, strict=True)
    )
    errors = (error and error / share for error, share in zip(row.errors, shares, strict=True))
    return replace(row, scores=tuple(scores), errors=tuple(errors))

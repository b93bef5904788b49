"""The leaderboard as a visitor scores it: with weights of one's own, or with scores where guessing is 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock

from cachetools import LRUCache

from src.leaderboard.ranking import ranked, scored
from src.leaderboard.rows import Row, Standings
from src.leaderboard.scoring import TaskColumn

PERFECT = 100.0
"""The best possible score of a column of fractions."""

MOST_WEIGHT = 1_000_000.0
"""The largest weight that a visitor can give. An owner's weights may be numbers of questions."""

MOST_KEPT = 8
"""How many leaderboards that visitors scored are kept, of all boards together."""


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


def counting(standings: Standings, scoring: Scoring) -> Scoring:
    """Return what of a scoring has an effect: weights of columns where lower is better never count, and none
    does if they leave no column in the average.
    """
    names = {column.task.col_name for column in standings.tasks if column.higher_is_better}
    weights = frozenset(pair for pair in scoring.weights if pair[0] in names)
    is_any_left = any(column.is_averaged for column in _weighted(standings.tasks, dict(weights)))
    return replace(scoring, weights=weights if is_any_left else frozenset())


def rescored(standings: Standings, scoring: Scoring) -> Standings:
    """Return the leaderboard under a scoring: with other averages, and other ranks."""
    scoring = counting(standings, scoring)
    return standings if scoring == AS_PUBLISHED else KEPT.get(standings, scoring)


def can_be_normalised(column: TaskColumn) -> bool:
    """Return whether a column's scores have a place between guessing and perfect."""
    return (
        column.guessing is not None
        and column.is_fraction
        and column.higher_is_better
        and 0 < column.guessing < PERFECT
    )


class _Kept:
    """The leaderboards that visitors asked for lately. One is made at a time; what is made is there."""

    def __init__(self, most: int) -> None:
        self._made: LRUCache[tuple[int, Scoring], tuple[Standings, Standings]] = LRUCache(most)
        self._lock, self._making = Lock(), Lock()

    def get(self, standings: Standings, scoring: Scoring) -> Standings:
        """Return the standings under a scoring."""
        found = self._found(standings, scoring)
        if found:
            return found
        with self._making:
            found = self._found(standings, scoring) or _rescored(standings, scoring)
            with self._lock:  # the standings are kept too, so that nothing else gets their id
                self._made[id(standings), scoring] = standings, found
        return found

    def _found(self, standings: Standings, scoring: Scoring) -> Standings | None:
        with self._lock:
            found = self._made.get((id(standings), scoring))
        return found[1] if found else None


KEPT = _Kept(MOST_KEPT)


def _rescored(standings: Standings, scoring: Scoring) -> Standings:
    columns = _weighted(standings.tasks, dict(scoring.weights))
    rows: Sequence[Row] = standings.rows
    if scoring.is_normalised:
        shares = list(map(_share_above_guessing, columns))
        rows = [_normalised(row, shares) for row in rows]
        columns = tuple(replace(each, guessing=0.0) if can_be_normalised(each) else each for each in columns)
    rows = ranked(scored(rows, columns, rank_mixed=standings.rank_mixed))
    return Standings(
        columns, rows, rank_mixed=standings.rank_mixed, doubts=standings.doubts, published=standings
    )


def _weighted(columns: Sequence[TaskColumn], weights: dict[str, float]) -> tuple[TaskColumn, ...]:
    return tuple(
        column
        if (weight := weights.get(column.task.col_name)) is None
        else replace(
            column,
            task=replace(column.task, weight=weight or column.task.weight, in_average=weight > 0),
        )
        for column in columns
    )


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

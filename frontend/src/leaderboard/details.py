"""What is known about one row: its scores and how sure they are, its neighbours, and its runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np

from src.leaderboard.ranking import Averaging
from src.leaderboard.rows import Row, Standings
from src.leaderboard.scores import Scores, scores_of, task_columns
from src.leaderboard.scoring import TaskColumn, name_in
from src.leaderboard.sorting import places
from src.leaderboard.uncertainty import Interval, differ, interval
from src.shared.data.grouping import known_commit
from src.shared.data.result import Result

NEIGHBOURS = 2
"""How many rows are shown on either side of a row."""

MOST_RUNS = 50
"""The most runs that are shown, the newest."""


class Scale(NamedTuple):
    """What a picture of a column's scores reaches from and to."""

    low: float
    high: float

    def at(self, score: float) -> float:
        """Return where a score lies on the scale, from 0 to 1. What lies outside is at its end."""
        reach = self.high / 2 - self.low / 2  # no difference is too large
        if reach <= 0:
            return 0.5
        return min(1.0, max(0.0, (score / 2 - self.low / 2) / reach))

    def score(self, share: float) -> float:
        """Return the score at a place on the scale, from 0 to 1."""
        return self.low * (1.0 - share) + self.high * share


class Measured(NamedTuple):
    """One score of a row, and how sure it is."""

    column: TaskColumn
    score: float | None
    error: float | None
    """Its standard error, on the same scale."""
    samples: int | None
    place: int | None
    """The row's place among all rows in this column. The best is 1, and equals share."""
    of: int
    """How many rows have a score in this column."""
    mark: str
    """Why it may not be comparable with most of the column; empty where it is."""
    scale: Scale

    @property
    def interval(self) -> Interval | None:
        """The interval of 95 %."""
        return None if self.score is None or self.error is None else interval(self.score, self.error)

    @property
    def is_best(self) -> bool:
        """Whether no row has a better score."""
        return self.place == 1 and self.of > 1


class Neighbour(NamedTuple):
    """A row next to another in the ranks."""

    row: Row
    difference: float
    """How much better its standing is than that of the other row."""
    differs: bool | None
    """Whether they differ significantly; None if an error is unknown."""


class Change(NamedTuple):
    """A score of a run."""

    column: TaskColumn
    score: float
    before: float | None
    """The score of the last run with this task; None for the first one."""
    engine: str | None = None
    """The engine that computed it, if the column does not show that engine's scores."""


class Run(NamedTuple):
    """One evaluation of a row's model."""

    result: Result
    changes: Sequence[Change]
    average: float | None
    """The average at this commit after the run, if it has all scores."""


def measured(standings: Standings, row: Row) -> list[Measured]:
    """Return the scores of a row in the order of the tasks."""
    found = []
    for number, (task, column) in enumerate(zip(standings.tasks, task_columns(standings), strict=True)):
        taken = places(standings, column)
        found.append(
            Measured(
                task,
                row.scores[number],
                row.errors[number],
                row.samples[number],
                int(taken[standings.number(row)]) or None,
                int(np.count_nonzero(taken)),
                row.marks[number] if row.marks else "",
                scale(standings, number),
            )
        )
    return found


def scale(standings: Standings, number: int) -> Scale:
    """Return the scale of a task's scores: from 0 to 100, or to the highest one if they are no fractions.

    Scores outside widen it.
    """

    def made() -> Scale:
        scores = task_scores(standings, number)
        low, high = (float(end(scores, initial=0.0)) for end in (np.nanmin, np.nanmax))
        return Scale(low, max(100.0, high) if standings.tasks[number].is_fraction else high)

    return standings.derived.once(("scale", number), made)


def task_scores(standings: Standings, number: int) -> Scores:
    """Return the scores of all rows in a task, nan where there is none."""
    return scores_of(standings, task_columns(standings)[number])


def neighbours(standings: Standings, row: Row) -> list[Neighbour]:
    """Return the rows before and after a row, in the order of the ranks. A row without a rank has none."""
    if row.standing is None:
        return []
    ranked = [each for each in standings.rows if each.standing is not None]
    here = next(place for place, each in enumerate(ranked) if each is row)
    around = ranked[max(0, here - NEIGHBOURS) : here + NEIGHBOURS + 1]
    return [Neighbour(each, *compared(each, row)) for each in around if each is not row]


def compared(one: Row, other: Row) -> tuple[float, bool | None]:
    """Return how much better one row's standing is than another's, and whether that is significant."""
    return difference(
        (one.standing or 0.0, one.standing_error), (other.standing or 0.0, other.standing_error)
    )


def difference(
    one: tuple[float, float | None], other: tuple[float, float | None]
) -> tuple[float, bool | None]:
    """Return the difference of two scores, each with its standard error, and whether it is significant."""
    (score, error), (others, others_error) = one, other
    differs = None if error is None or others_error is None else differ(score, error, others, others_error)
    return score - others, differs


def runs(standings: Standings, row: Row) -> list[Run]:
    """Return the evaluations of a row's model, the newest first, with what changed in each."""
    return list(_runs(standings, row))[::-1][:MOST_RUNS]


def _runs(standings: Standings, row: Row) -> Iterator[Run]:
    averaging = Averaging.of(standings.tasks)
    last: dict[int, float] = {}
    by_commit: dict[str | None, dict[int, float]] = {}
    for result in row.runs:
        found = _scores(standings.tasks, result)
        scores = {place: score for place, score in found.items() if standings.tasks[place].shows(result)}
        changes = [
            Change(standings.tasks[place], score, last.get(place))
            if place in scores
            else Change(standings.tasks[place], score, None, result.engine)
            for place, score in found.items()
        ]
        last.update(scores)
        now = by_commit.setdefault(known_commit(result) or row.commit, {})
        now.update(scores)
        has_all = averaging.is_mean and all(place in now for place in averaging.places)
        average = averaging.weights.mean([now[place] for place in averaging.places]) if has_all else None
        yield Run(result, changes, average)


def _scores(tasks: Sequence[TaskColumn], result: Result) -> dict[int, float]:
    """Return the scores of a result, by the places of their columns."""
    found = {}
    for place, column in enumerate(tasks):
        score = column.shown(result.score(name_in(result, column.task), column.task.metric))
        if score is not None and isfinite(score):
            found[place] = score
    return found

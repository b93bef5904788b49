"""What kind of scores a column has: decided once for the whole column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite
from typing import NamedTuple

from src.leaderboard.agreement import described, is_task
from src.leaderboard.marking import most_common
from src.shared.data.backend_description import BackendDescription
from src.shared.data.metric_name import could_be_fraction, goes_up, is_of_fractions
from src.shared.data.result import Result
from src.tasks import ANY_ENGINE, Task

LOWER_IS_BETTER = " ↓"
"""Follows the name of a lower-is-better column on the page."""


@dataclass(frozen=True)
class TaskColumn:
    """A task, and what kind of scores its column has."""

    task: Task
    higher_is_better: bool = True
    is_fraction: bool = True
    """Whether all scores are fractions of 1, shown × 100."""
    guessing: float | None = None
    """The score of guessing, as people read it; None if it is unknown."""
    questions: int | None = None
    """How many questions the backend asks of every model, if it says so."""
    engine: str | None = None
    """The engine whose scores it shows; None means any."""

    @property
    def header(self) -> str:
        """The column's name on the page."""
        return self.task.col_name + ("" if self.higher_is_better else LOWER_IS_BETTER)

    @property
    def is_averaged(self) -> bool:
        """Whether the column is part of averages."""
        return self.task.in_average and self.higher_is_better

    def shows(self, result: Result) -> bool:
        """Return whether the column can show a score of a result. An unknown engine counts as its own."""
        return self.engine is None or result.engine in (None, self.engine)

    def shown(self, score: float | None) -> float | None:
        """Return the score as people read it, or None if it is not finite."""
        if score is None or not self.is_fraction:
            return score
        percentage = score * 100
        return percentage if isfinite(percentage) else None


class Group(NamedTuple):
    """A group of tasks that has a mean of its own."""

    name: str
    places: tuple[int, ...]
    """The places of the columns that its mean is of."""


def groups_of(columns: Sequence[TaskColumn]) -> tuple[Group, ...]:
    """Return the groups that the owner named, in the order of their first columns.

    A group's mean is of the columns that an average is of. A group without any has no mean.
    """
    places: dict[str, list[int]] = {}
    for place, column in enumerate(columns):
        if column.task.group and column.is_averaged:
            places.setdefault(column.task.group, []).append(place)
    return tuple(Group(name, tuple(each)) for name, each in places.items())


@dataclass(frozen=True)
class Evidence:
    """The results, the oldest first, as evidence about a task."""

    task: Task
    results: Sequence[Result]
    backend: BackendDescription | None = None

    @cached_property
    def every_score(self) -> list[tuple[float, Result]]:
        """Every score of any engine, and the result that it is in."""
        task = self.task
        pairs = ((result.score(name_in(result, task), task.metric), result) for result in self.results)
        return [(score, result) for score, result in pairs if score is not None]

    @cached_property
    def engine(self) -> str | None:
        """The engine whose scores the column shows: the owner's choice, or else the backend's if it runs the
        task, or else that of most scores. None means any.
        """
        if self.task.engine is not None:
            return None if self.task.engine == ANY_ENGINE else self.task.engine
        if self.backend and described(self.task, self.backend):
            return self.backend.engine
        return most_common(result.engine for _, result in self.every_score)

    @cached_property
    def scores(self) -> list[tuple[float, Result]]:
        """Every score that the column can show."""
        if self.engine is None:
            return self.every_score
        return [each for each in self.every_score if each[1].engine in (None, self.engine)]

    @cached_property
    def left_out(self) -> list[Result]:
        """The results whose scores are of another engine than the column's."""
        if len(self.scores) == len(self.every_score):
            return []
        return [result for _, result in self.every_score if result.engine not in (None, self.engine)]

    @cached_property
    def unnamed(self) -> list[Result]:
        """The results whose scores share the column with those of an engine, but do not name theirs.

        Empty if the owner chose the column's engine, or if no result names one.
        """
        of_none = [result for _, result in self.scores if result.engine is None]
        return of_none if self.task.engine is None and len(of_none) < len(self.scores) else []

    @cached_property
    def without_score(self) -> list[Result]:
        """The results that have none."""
        having = {id(result) for _, result in self.every_score}
        return [result for result in self.results if id(result) not in having]

    @cached_property
    def mixed(self) -> list[Result]:
        """The results in which the task's name means several things."""
        return [result for result in self.without_score if result.mixed_settings(self.task.benchmark)]

    @cached_property
    def are_fractions(self) -> bool:
        """Whether every score could be a fraction of 1."""
        return all(could_be_fraction(score) for score, _ in self.scores)


def name_in(result: Result, task: Task) -> str:
    """Return the name that a result has for the task: the present one, or an old one if only that has a
    score.
    """
    if not task.old_names or result.score(task.benchmark, task.metric) is not None:
        return task.benchmark
    old = (name for name in task.old_names if result.score(name, task.metric) is not None)
    return next(old, task.benchmark)


def column_of(evidence: Evidence) -> TaskColumn:
    """Decide what kind of scores a task's column has, and add what the backend says about the task.

    The owner decides first, then the newest report with a direction, then the metric's name. Scores are
    fractions unless the name says otherwise or one is outside ±1.
    """
    task = evidence.task
    newest_first = (
        result.goes_up(name_in(result, task), task.metric)
        for result in reversed(evidence.results)
        if evidence.engine is None or result.engine in (None, evidence.engine)
    )
    by_name = goes_up(task.metric)
    up = next((reported for reported in newest_first if reported is not None), by_name)
    fraction = is_of_fractions(task.metric) and evidence.are_fractions
    column = TaskColumn(
        task,
        higher_is_better=up if task.higher_is_better is None else task.higher_is_better,
        is_fraction=fraction if task.is_fraction is None else task.is_fraction,
        engine=evidence.engine,
    )
    known = described(task, evidence.backend)
    guessing = known.random_baseline if known and task.random_baseline is None else task.random_baseline
    is_the_task = known is not None and is_task(known, task)
    return replace(
        column,
        guessing=column.shown(guessing),
        questions=known.questions if known and is_the_task else None,
    )

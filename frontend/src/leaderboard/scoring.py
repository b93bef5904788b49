"""What kind of scores a column has, and which of them are doubtful: decided once for the whole column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite
from typing import NamedTuple

from src.leaderboard.agreement import described, is_task
from src.leaderboard.engines import ENGINES
from src.leaderboard.marking import most_common
from src.shared.data.backend_description import BackendDescription
from src.shared.data.benchmark import metric_key
from src.shared.data.result import Result
from src.tasks import ANY_ENGINE, Task

LOWER_WORDS = {
    *("perplexity", "ppl", "bits", "bpb", "bpc", "nll", "loss", "entropy", "brier", "ece"),
    *("rmse", "mse", "mae", "mape", "smape", "rms", "error", "errors", "err", "deviation", "distance"),
    *("wer", "cer", "mer", "ter", "fpr", "fnr", "fdr", "eer"),
    *("latency", "time", "seconds", "duration", "ttft", "tpot", "ms", "cost", "memory"),
    *("toxicity", "hallucination", "hallucinations", "contamination"),
}
"""Lower is better for metrics with one of these words, unless the owner or a report says otherwise."""

HIGHER_WORDS = {"neg", "negative", "inverse", "similarity", "ratio", "reduction"}
"""Words that reverse the meaning of the words above: `neg_mean_squared_error`."""

FRACTIONS_THAT_FALL = {"wer", "cer", "mer", "fpr", "fnr", "fdr", "eer", "toxicity", "contamination"}
"""The lower-is-better metrics that are fractions of 1."""

NUMBER_WORDS = (LOWER_WORDS - FRACTIONS_THAT_FALL) | {"bleu", "chrf", "elo", "rating"}
"""A metric with one of these words is not a fraction, even if its scores are between 0 and 1."""

LOWER_IS_BETTER = " ↓"
"""Follows the name of a lower-is-better column on the page."""

ROUNDING = 1e-6
"""How far a fraction may be outside ±1: adding 0.1 ten times can give 1.0000000000000002."""

MOST_NAMED = 8
"""The most names that a sentence lists."""


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
        return all(_could_be_fraction(score) for score, _ in self.scores)


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
    task, words = evidence.task, _words(evidence.task.metric)
    newest_first = (
        result.goes_up(name_in(result, task), task.metric)
        for result in reversed(evidence.results)
        if evidence.engine is None or result.engine in (None, evidence.engine)
    )
    by_name = not words & LOWER_WORDS or bool(words & HIGHER_WORDS)
    up = next((reported for reported in newest_first if reported is not None), by_name)
    fraction = not words & NUMBER_WORDS and evidence.are_fractions
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


def doubts(found: Sequence[Evidence]) -> tuple[str, ...]:
    """Return sentences for the owner about columns with missing or unreadable scores, with two engines' or
    an unknown engine's scores, or with two scales.
    """
    rules = (_is_filled, _means_one_thing, _has_one_engine, _is_readable, _has_one_scale)
    of_one_column = (sentence for evidence in found for rule in rules for sentence in rule(evidence))
    return (*of_one_column, *_engines_are_known(found))


def _is_filled(evidence: Evidence) -> Iterator[str]:
    """A column that stays empty deprives every model of its rank and average."""
    task, results = evidence.task, evidence.results
    if not results or evidence.every_score or evidence.mixed:
        return
    found = [(result, name) for result in results for name in result.tasks(task.benchmark)]
    keys = sorted({key for result, name in found for key in result.scores[name]})
    if keys:
        yield (
            f"The column {task.col_name} is empty: the results of {task.benchmark} have {_listed(keys)}, but "
            f"not {task.metric}. Write one of them in src/about.py."
        )
    elif found:
        yield (
            f"The column {task.col_name} is empty: the results name {task.benchmark} without a score. If it "
            "is a group that has no score of its own, name its tasks in src/about.py."
        )
    else:
        names = sorted({name for result in results for name in result.scores})
        yield (
            f"The column {task.col_name} is empty: no result has the task {task.benchmark}. They have "
            f"{_listed(names) or 'no tasks at all'}. Correct it in src/about.py, or wait for new results."
        )


def _means_one_thing(evidence: Evidence) -> Iterator[str]:
    """Scores with two numbers of shots are not comparable: somebody has to choose."""
    task = evidence.task
    for mixed in evidence.mixed[:1]:
        yield (
            f"{task.benchmark}, for the column {task.col_name}, means several things in {mixed.path}: "
            f"{_listed(mixed.mixed_settings(task.benchmark))}. Write one of them in src/about.py."
        )


def _has_one_engine(evidence: Evidence) -> Iterator[str]:
    """Two engines score the same questions a little differently: somebody has to choose."""
    task, number = evidence.task, len(evidence.left_out)
    others = sorted({result.engine for result in evidence.left_out if result.engine})
    if not others:
        return
    scores = "1 score" if number == 1 else f"{number:,} scores"
    all_together = f'engine="{ANY_ENGINE}" for all together'
    ways = [f'engine="{name}" for {name} alone' for name in others if name in ENGINES]
    yield (
        f"The column {task.col_name} shows the scores of {evidence.engine}. {scores} of {_listed(others)} "
        f"{'is' if number == 1 else 'are'} left out. To show others, write in its Task in src/about.py: "
        f"{' or '.join([*ways, all_together])}."
    )


def _engines_are_known(found: Sequence[Evidence]) -> Iterator[str]:
    """Results of the old template do not name their engine. Often all columns have some: tell it once."""
    for engine in ENGINES:
        names = [each.task.col_name for each in found if each.unnamed and each.engine == engine]
        if names:
            yield (
                "Some results do not name their engine. Their scores share a column with those of "
                f"{engine}: {_listed(names)}. If they are of {engine} too, write "
                f'engine="{engine}" in its Task in src/about.py. If any engine may share the column, write '
                f'engine="{ANY_ENGINE}".'
            )


def _is_readable(evidence: Evidence) -> Iterator[str]:
    """A score that is not a number leaves a blank cell."""
    task = evidence.task
    broken = [
        result.path
        for result in evidence.without_score
        for name in result.tasks(task.benchmark)
        if (key := metric_key(result.scores[name], task.metric)) and result.scores[name][key] is None
    ]
    if broken:
        many = "1 result holds" if len(broken) == 1 else f"{len(broken):,} results hold"
        yield (
            f"{many} something other than a number as {task.metric} of {task.benchmark}, for the column "
            f"{task.col_name}: {_listed(broken)}. Correct or remove it there."
        )


def _has_one_scale(evidence: Evidence) -> Iterator[str]:
    """If some files have fractions and some percentages, some scores are wrong either way."""
    task = evidence.task
    if evidence.are_fractions or task.is_fraction is False or _words(task.metric) & NUMBER_WORDS:
        return
    large = next((each for each in evidence.scores if not _could_be_fraction(each[0])), None)
    small = next((each for each in evidence.scores if 0 < abs(each[0]) < 1), None)
    if large and task.is_fraction:
        yield (
            f"src/about.py says that the scores of {task.col_name} are fractions of 1, but some are larger, "
            f"such as {_named(*large)}. Divide those by 100 in their files."
        )
    elif large and small:
        yield (
            f"The column {task.col_name} has numbers above 1, such as {_named(*large)}, and below, such as "
            f"{_named(*small)}. All are shown unchanged. If some are fractions and some percentages, correct "
            "those files. If all are right, write is_fraction=False in its Task in src/about.py."
        )


def _named(score: float, result: Result) -> str:
    return f"{score:g} in {result.path}"


def _could_be_fraction(score: float) -> bool:
    return abs(score) <= 1 + ROUNDING


def _words(metric: str) -> set[str]:
    """Return the words in a metric's name, including those separated only by capitals."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", metric)
    return set(re.split(r"[^a-z0-9]+", spaced.lower()))


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")

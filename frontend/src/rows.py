"""The rows of the leaderboard: what requests and results say of each model, merged, averaged and ranked.

One row is one (model, precision, weight type); it shows one commit, and has the other commits as its history.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import fsum
from types import MappingProxyType
from typing import NamedTuple

from src.shared.request import Request, Status
from src.shared.result import Result
from src.tasks import Task

FRACTION_WORDS = {"acc", "accuracy", "match", "em", "mc1", "mc2", "mcc", "pass"}
"""A metric with one of these words in its name (`acc_norm`, `exact_match`, `pass@1`) is a fraction of 1."""

NUMBER_WORDS = {"perplexity", "ppl", "bits", "bleu", "chrf", "ter"}
"""A metric with one of these words in its name is no fraction, even where it lies between 0 and 1."""

LOWER_IS_BETTER_WORDS = {"perplexity", "ppl", "bits", "ter", "wer", "cer", "brier", "loss"}
"""Of such a metric less is better, where neither the owner nor a report says anything."""

LESS_IS_BETTER = " ↓"
"""What follows the name of such a column on the page."""

UNRESOLVED = ("", "main")
"""What old result files hold where a commit should be: it may have been any commit."""


@dataclass(frozen=True)
class TaskColumn:
    """A task with what its results taught: which direction is better, and whether scores are fractions."""

    task: Task
    higher_is_better: bool = True
    is_fraction: bool = True

    @property
    def header(self) -> str:
        """The column's name on the page."""
        return self.task.col_name + ("" if self.higher_is_better else LESS_IS_BETTER)

    def shown(self, score: float | None) -> float | None:
        """The score as people read it: fractions × 100. Nothing outside ±1 is a fraction."""
        return score * 100 if score is not None and self.is_fraction and abs(score) <= 1 else score


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table; `scores` are in the order of the tasks, as people read them, None if missing.

    `average` is over the tasks of which more is better, and None unless `done` of `total` such tasks is all
    of them (all tasks, where less is better of each). `standing` is what the row is ranked by, `limit` the
    number or fraction of samples that its tests were cut short to, `results` those that the scores are from,
    the oldest first. `is_available` is whether the model is still on the Hub, None while nobody knows.
    """

    model: str
    precision: str
    weight_type: str
    commit: str | None
    scores: tuple[float | None, ...]
    average: float | None
    done: int
    total: int
    standing: float | None
    ended: datetime
    results: tuple[Result, ...]
    request: Request | None = None
    limit: float | None = None
    is_available: bool | None = None
    rank: int | None = None
    history: tuple[Row, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every task of the average has a score."""
        return self.done == self.total


@dataclass(frozen=True)
class Standings:
    """The whole leaderboard: its task columns, and its rows, the best first and incomplete ones last."""

    tasks: tuple[TaskColumn, ...] = ()
    rows: tuple[Row, ...] = ()


class _Known(NamedTuple):
    """A result, and the request that it answers, as far as that is known."""

    result: Result
    request: Request | None

    @property
    def commit(self) -> str | None:
        return None if self.result.commit in (None, *UNRESOLVED) else self.result.commit

    @property
    def weight_type(self) -> str:
        return self.result.weight_type or (self.request.weight_type if self.request else "Original")


def standings(
    tasks: Sequence[Task],
    requests: Mapping[str, Request],
    results: Iterable[Result],
    is_available: Mapping[str, bool] = MappingProxyType({}),
) -> Standings:
    """The leaderboard that these requests (by path) and results make.

    `is_available` has the models, by name, of which it is known whether they are still on the Hub. The result
    of a request that was taken back is left out.
    """
    standing = (result for result in results if not _is_taken_back(result, requests))
    results = sorted(standing, key=lambda result: (result.ended, result.path))
    columns = tuple(_column(task, results) for task in tasks)
    finished: dict[tuple[str, str], list[Request]] = defaultdict(list)
    for request in requests.values():
        if request.status is Status.FINISHED:
            finished[request.model.casefold(), request.precision].append(request)
    groups: dict[tuple[str, str, str], list[_Known]] = defaultdict(list)
    for result in results:
        known = _Known(result, _request_of(result, requests, finished))
        groups[result.model.casefold(), result.precision, known.weight_type].append(known)
    rows = [_row(group, columns) for group in groups.values()]
    return Standings(columns, _ranked([_with_availability(row, is_available) for row in rows]))


def _is_taken_back(result: Result, requests: Mapping[str, Request]) -> bool:
    """Whether its request was cancelled while it was published, or afterwards by hand."""
    request = requests.get(result.request or "")
    return request is not None and request.status is Status.CANCELLED and request.run == result.run


def _with_availability(row: Row, is_available: Mapping[str, bool]) -> Row:
    """What was checked counts; else an old request may say it."""
    said = row.request.extra.get("still_on_hub") if row.request else None
    known = is_available.get(row.model, said if isinstance(said, bool) else None)
    return row if known is None else replace(row, is_available=known)


def _words(metric: str) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", metric.lower()))


def _column(task: Task, results: Sequence[Result]) -> TaskColumn:
    """What the owner says, else what the newest report that tells says, else what the metric's name says.

    A metric that no list knows is taken for a fraction while no score of the whole column lies outside ±1.
    """
    words = _words(task.metric)
    told = [up for result in results if (up := result.goes_up(task.benchmark, task.metric)) is not None]
    up = told[-1] if told else not words & LOWER_IS_BETTER_WORDS
    if words & NUMBER_WORDS:
        fraction = False
    elif words & FRACTION_WORDS:
        fraction = True
    else:
        scores = [result.score(task.benchmark, task.metric) for result in results]
        fraction = all(abs(score) <= 1 for score in scores if score is not None)
    return TaskColumn(
        task,
        higher_is_better=up if task.higher_is_better is None else task.higher_is_better,
        is_fraction=fraction if task.is_fraction is None else task.is_fraction,
    )


def _request_of(
    result: Result, requests: Mapping[str, Request], finished: Mapping[tuple[str, str], Sequence[Request]]
) -> Request | None:
    """The request that a result names, else the likeliest finished one of the same model and precision.

    Likelier is: the same commit, the same weight type (an unnamed one is Original), submitted later.
    """
    named = requests.get(result.request or "")
    if named and named.model.casefold() == result.model.casefold():
        return named
    return max(
        finished.get((result.model.casefold(), result.precision), ()),
        key=lambda request: (
            request.commit is not None and request.commit == result.commit,
            request.weight_type == (result.weight_type or "Original"),
            request.submitted_time,
        ),
        default=None,
    )


def _row(group: Sequence[_Known], columns: Sequence[TaskColumn]) -> Row:
    """The row of a model's results, the oldest first: the newest complete commit, else the newest."""
    newest = next((known.commit for known in reversed(group) if known.commit), None)
    by_commit: dict[str | None, list[_Known]] = defaultdict(list)
    for known in group:
        by_commit[known.commit or newest].append(known)
    versions = [_merged(commit, group, columns) for commit, group in by_commit.items()]
    versions.sort(key=lambda row: (row.is_complete, row.ended), reverse=True)
    return replace(versions[0], history=tuple(sorted(versions[1:], key=lambda row: row.ended, reverse=True)))


def _merged(commit: str | None, group: Sequence[_Known], columns: Sequence[TaskColumn]) -> Row:
    """One commit's results, oldest first, merged by task: the newest score counts."""
    latest = group[-1].result
    sources = [_source(group, column.task) for column in columns]
    scores = tuple(
        column.shown(source.score(column.task.benchmark, column.task.metric)) if source else None
        for source, column in zip(sources, columns, strict=True)
    )
    averaged = [score for score, column in zip(scores, columns, strict=True) if column.higher_is_better]
    wanted = averaged or scores
    known = [score for score in wanted if score is not None]
    is_complete = len(known) == len(wanted)
    average = _mean(known) if averaged and is_complete else None
    return Row(
        model=latest.model,
        precision=latest.precision,
        weight_type=group[-1].weight_type,
        commit=commit,
        scores=scores,
        average=average,
        done=len(known),
        total=len(wanted),
        standing=average if averaged or not is_complete else _turned(known[0], columns[0]),
        ended=latest.ended,
        results=tuple(known.result for known in group if known.result in sources),
        request=next((known.request for known in reversed(group) if known.request), None),
        limit=next((source.limit for source in sources if source and source.limit is not None), None),
    )


def _source(group: Sequence[_Known], task: Task) -> Result | None:
    """The newest result that has a score for a task."""
    newest_first = (known.result for known in reversed(group))
    return next((each for each in newest_first if each.score(task.benchmark, task.metric) is not None), None)


def _turned(score: float, column: TaskColumn) -> float:
    """A score so that more is better: what a leaderboard is ranked by that has nothing to average."""
    return score if column.higher_is_better else -score


def _mean(scores: Sequence[float]) -> float:
    """Divided before they are added, so that no finite scores have an infinite mean."""
    return fsum(score / len(scores) for score in scores)


def _ranked(rows: Iterable[Row]) -> tuple[Row, ...]:
    """The best first, equal ones sharing a rank; rows without a standing are last and have no rank."""
    rows = sorted(rows, key=lambda row: (row.model.casefold(), row.precision, row.weight_type))
    standing = sorted((row for row in rows if row.standing is not None), key=lambda row: -(row.standing or 0))
    rest = sorted((row for row in rows if row.standing is None), key=lambda row: -row.done)
    ranks: dict[float, int] = {}
    for place, row in enumerate(standing, start=1):
        ranks.setdefault(_rounded(row), place)
    return (*(replace(row, rank=ranks[_rounded(row)]) for row in standing), *rest)


def _rounded(row: Row) -> float:
    """Two averages that differ by less are equal: the order of adding makes such differences."""
    return round(row.standing or 0.0, 9)

"""The rows of the leaderboard: each model's requests and results, merged, averaged and ranked.

One row is one model, precision, weight type and use of the chat template. It shows one commit; other commits
are its history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import fsum
from types import MappingProxyType
from typing import NamedTuple

from src.leaderboard.derived import Derived
from src.leaderboard.scoring import Evidence, TaskColumn, column_of, differences, doubts, groups_of, name_in
from src.shared.data.reasons import Reasons, reason_for
from src.shared.data.request import Request, Status
from src.shared.data.result import UNKNOWN_TIME, Result
from src.shared.models.model_source import Presence
from src.tasks import Task

UNRESOLVED = ("", "main")
"""What old result files have as the commit: it may have been any commit."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table. What is known per task is in the order of the tasks."""

    model: str
    precision: str
    weight_type: str
    use_chat_template: bool = False
    commit: str | None
    scores: tuple[float | None, ...]
    """The scores as people read them; None if missing."""
    sources: tuple[Result | None, ...]
    """The results that the scores are from."""
    marks: tuple[str, ...] = ()
    """Why a score may not be comparable with most of its column, in a sentence; empty where it is."""
    average: float | None
    """The mean of the higher-is-better tasks that are in the average; None unless all of them count."""
    groups: tuple[float | None, ...] = ()
    """The mean of each group of tasks; None unless all of them count."""
    done: int
    """How many tasks of the average have a score that counts. If lower is better for all tasks, they count
    here.
    """
    total: int
    standing: float | None
    """The value that ranks the row."""
    ended: datetime
    first_ended: datetime = UNKNOWN_TIME
    """When the first evaluation ended that we know of, at any commit."""
    request: Request | None = None
    limit: float | None = None
    """The number or fraction of questions that its tests were cut short to."""
    is_available: bool | None = None
    """Whether the model is still on the Hub; None if unknown."""
    tags: frozenset[str] = frozenset()
    """What the Hub's tags say about it; empty while unknown."""
    flag: str | None = None
    """Why the owner flagged it; None if it is not flagged."""
    rank: int | None = None
    history: tuple[Row, ...] = ()
    """The same at other commits, the newest first."""

    @property
    def is_complete(self) -> bool:
        """Whether every task of the average counts."""
        return self.done == self.total

    @property
    def is_marked(self) -> bool:
        """Whether a note says something about one of its cells."""
        return bool(self.marks) or self.flag is not None

    @property
    def results(self) -> tuple[Result, ...]:
        """The results that the scores are from, each once, the oldest first."""
        found = {source.path: source for source in self.sources if source}
        return tuple(sorted(found.values(), key=lambda result: (result.ended, result.path)))


@dataclass(frozen=True)
class Standings:
    """The whole leaderboard."""

    tasks: tuple[TaskColumn, ...] = ()
    rows: tuple[Row, ...] = ()
    """The best first and incomplete ones last."""
    doubts: tuple[str, ...] = ()
    """Sentences for the owner about scores that may be wrong."""
    derived: Derived = field(default_factory=Derived, init=False, compare=False, repr=False)


class _Known(NamedTuple):
    """A result, and the request that it answers if that is known."""

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
    presences: Mapping[str, Presence] = MappingProxyType({}),
    *,
    flags: Reasons = MappingProxyType({}),
    rank_mixed: bool = True,
) -> Standings:
    """Return the leaderboard that these requests (by path) and results make.

    `presences` has what the Hub said about models, by name, and `flags` what the owner says. Unless
    `rank_mixed`, marked scores do not count. The results of cancelled requests are left out.
    """
    standing = (result for result in results if not _is_taken_back(result, requests))
    results = sorted(standing, key=lambda result: (result.ended, result.path))
    found = [Evidence(task, results) for task in tasks]
    columns = tuple(map(column_of, found))
    finished: dict[tuple[str, str], list[Request]] = defaultdict(list)
    for request in requests.values():
        if request.status is Status.FINISHED:
            finished[request.model.casefold(), request.precision].append(request)
    groups: dict[tuple[str, str, str, bool], list[_Known]] = defaultdict(list)
    for result in results:
        known = _Known(result, _request_of(result, requests, finished))
        groups[result.model.casefold(), result.precision, known.weight_type, result.use_chat_template].append(
            known
        )
    rows = _marked([_row(group, columns) for group in groups.values()], columns, rank_mixed=rank_mixed)
    rows = _with_group_means(rows, columns, rank_mixed=rank_mixed)
    ranked = _ranked([_with_flag(_with_presence(row, presences), flags) for row in rows])
    return Standings(columns, ranked, doubts(found))


def _is_taken_back(result: Result, requests: Mapping[str, Request]) -> bool:
    """Return whether its request was cancelled while it was published, or by hand afterwards."""
    request = requests.get(result.request or "")
    return request is not None and request.status is Status.CANCELLED and request.run == result.run


def _with_presence(row: Row, presences: Mapping[str, Presence]) -> Row:
    """Add what the Hub said about the model. Prefer our own check; fall back to the old request."""
    if found := presences.get(row.model):
        return replace(row, is_available=found.is_available, tags=found.tags)
    written = row.request.extra.get("still_on_hub") if row.request else None
    return replace(row, is_available=written) if isinstance(written, bool) else row


def _with_flag(row: Row, flags: Reasons) -> Row:
    reason = reason_for(flags, row.model) if flags else None
    return row if reason is None else replace(row, flag=reason)


def _request_of(
    result: Result, requests: Mapping[str, Request], finished: Mapping[tuple[str, str], Sequence[Request]]
) -> Request | None:
    """Return the request that a result names, or else the likeliest finished one of the same model and
    precision.

    Likelier means, in this order: the same commit, the same weight type (Original if unnamed), the same use
    of the chat template, submitted later.
    """
    named = requests.get(result.request or "")
    if named and named.model.casefold() == result.model.casefold():
        return named
    return max(
        finished.get((result.model.casefold(), result.precision), ()),
        key=lambda request: (
            request.commit is not None and request.commit == result.commit,
            request.weight_type == (result.weight_type or "Original"),
            request.use_chat_template == result.use_chat_template,
            request.submitted_time,
        ),
        default=None,
    )


def _row(group: Sequence[_Known], columns: Sequence[TaskColumn]) -> Row:
    """Return the row of a model's results (the oldest first): its newest complete commit, or else its newest
    one.
    """
    newest = next((known.commit for known in reversed(group) if known.commit), None)
    by_commit: dict[str | None, list[_Known]] = defaultdict(list)
    for known in group:
        by_commit[known.commit or newest].append(known)
    versions = [_merged(commit, group, columns) for commit, group in by_commit.items()]
    versions.sort(key=lambda row: (row.is_complete, row.ended), reverse=True)
    return replace(
        versions[0],
        first_ended=group[0].result.ended,
        history=tuple(sorted(versions[1:], key=lambda row: row.ended, reverse=True)),
    )


def _merged(commit: str | None, group: Sequence[_Known], columns: Sequence[TaskColumn]) -> Row:
    """Merge one commit's results (the oldest first) by task: the newest score of each task counts."""
    latest = group[-1].result
    newest_first = [known.result for known in reversed(group)]
    found = [_newest_score(newest_first, column.task) for column in columns]
    sources = tuple(source for source, _ in found)
    scores = tuple(column.shown(score) for (_, score), column in zip(found, columns, strict=True))
    row = Row(
        model=latest.model,
        precision=latest.precision,
        weight_type=group[-1].weight_type,
        use_chat_template=latest.use_chat_template,
        commit=commit,
        scores=scores,
        sources=sources,
        average=None,
        done=0,
        total=0,
        standing=None,
        ended=latest.ended,
        request=next((known.request for known in reversed(group) if known.request), None),
        limit=next((source.limit for source in sources if source and source.limit is not None), None),
    )
    return _averaged(row, scores, columns)


def _averaged(row: Row, counted: Sequence[float | None], columns: Sequence[TaskColumn]) -> Row:
    """Return the row with its average and standing, from the scores that count."""
    pairs = [pair for pair in zip(counted, columns, strict=True) if pair[1].task.in_average]
    averaged = [pair for pair in pairs if pair[1].is_averaged]
    wanted = averaged or pairs
    known = [(score, column.task.weight) for score, column in wanted if score is not None]
    is_complete = len(known) == len(wanted)
    average = _mean(known) if averaged and is_complete else None
    return replace(
        row,
        average=average,
        done=len(known),
        total=len(wanted),
        standing=average if averaged or not is_complete else _turned(known[0][0], pairs[0][1]),
    )


def _marked(rows: Sequence[Row], columns: Sequence[TaskColumn], *, rank_mixed: bool) -> list[Row]:
    """Return the rows with a mark at each score that may not be comparable with most of its column."""
    found = []
    for place, column in enumerate(columns):
        sources = (row.sources[place] for row in rows)
        task = column.task
        found.append(differences([each.setting(name_in(each, task)) if each else None for each in sources]))
    marked = []
    for row, marks in zip(rows, zip(*found, strict=True), strict=True):
        if any(marks):
            row = replace(row, marks=marks)
        if any(marks) and not rank_mixed:
            row = _averaged(row, _unmarked(row), columns)
        marked.append(row)
    return marked


def _unmarked(row: Row) -> Sequence[float | None]:
    """Return the scores of a row, without those that are marked."""
    if not row.marks:
        return row.scores
    return [None if mark else score for score, mark in zip(row.scores, row.marks, strict=True)]


def _with_group_means(rows: list[Row], columns: Sequence[TaskColumn], *, rank_mixed: bool) -> list[Row]:
    """Add the weighted mean of each group of tasks."""
    groups = groups_of(columns)
    if not groups:
        return rows
    found = []
    for row in rows:
        counted = row.scores if rank_mixed else _unmarked(row)
        means = []
        for group in groups:
            known = [
                (score, columns[place].task.weight)
                for place in group.places
                if (score := counted[place]) is not None
            ]
            means.append(_mean(known) if len(known) == len(group.places) else None)
        found.append(replace(row, groups=tuple(means)))
    return found


def _newest_score(newest_first: Sequence[Result], task: Task) -> tuple[Result | None, float | None]:
    """Return the newest score of a task and its result."""
    for result in newest_first:
        score = result.score(name_in(result, task), task.metric)
        if score is not None:
            return result, score
    return None, None


def _turned(score: float, column: TaskColumn) -> float:
    """Return a score turned so that higher is better, to rank a leaderboard that has nothing to average."""
    return score if column.higher_is_better else -score


def _mean(scores: Sequence[tuple[float, float]]) -> float:
    """Return the weighted mean of scores. Only the proportions of the weights count.

    Scores are divided before they are added, so that finite scores never have an infinite mean.
    """
    largest = max(weight for _, weight in scores)
    total = fsum(weight / largest for _, weight in scores)
    try:
        return fsum(score / total * (weight / largest) for score, weight in scores)
    except OverflowError:  # rounding carries the mean of the largest floats beyond them
        return max((score for score, _ in scores), key=abs)


def _ranked(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rank the rows, the best first. Equal rows share a rank. Rows without a standing come last."""
    rows = sorted(rows, key=_by_name)
    standing = sorted((row for row in rows if row.standing is not None), key=lambda row: -(row.standing or 0))
    rest = sorted((row for row in rows if row.standing is None), key=lambda row: -row.done)
    ranks: dict[float, int] = {}
    for place, row in enumerate(standing, start=1):
        ranks.setdefault(_rounded(row), place)
    return (*(replace(row, rank=ranks[_rounded(row)]) for row in standing), *rest)


def _by_name(row: Row) -> tuple[str, str, str, bool]:
    return row.model.casefold(), row.precision, row.weight_type, row.use_chat_template


def _rounded(row: Row) -> float:
    return rounded(row.standing or 0.0)


def rounded(score: float) -> float:
    """Round a score: means that differ by less are equal. The order of adding makes such differences."""
    return round(score, 9)

"""The rows of the leaderboard: each model's requests and results, merged, then averaged and ranked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from src.leaderboard.ranking import averaged, ranked, unmarked, with_group_means
from src.leaderboard.rows import Row, Standings
from src.leaderboard.scoring import Evidence, TaskColumn, column_of, differences, doubts, name_in
from src.shared.data.reasons import Reasons, reason_for
from src.shared.data.request import Request, Status
from src.shared.data.result import Result
from src.shared.models.model_source import Presence
from src.tasks import Task

UNRESOLVED = ("", "main")
"""What old result files have as the commit: it may have been any commit."""


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
    rows = with_group_means(rows, columns, rank_mixed=rank_mixed)
    rows = [_with_flag(_with_presence(row, presences), flags) for row in rows]
    return Standings(columns, ranked(rows), doubts(found))


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
    return averaged(row, scores, columns)


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
            row = averaged(row, unmarked(row), columns)
        marked.append(row)
    return marked


def _newest_score(newest_first: Sequence[Result], task: Task) -> tuple[Result | None, float | None]:
    """Return the newest score of a task and its result."""
    for result in newest_first:
        score = result.score(name_in(result, task), task.metric)
        if score is not None:
            return result, score
    return None, None

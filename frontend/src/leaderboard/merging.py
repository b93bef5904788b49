"""The rows of the leaderboard: each model's requests and results, merged, then averaged and ranked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from src.leaderboard.doubts import doubts
from src.leaderboard.marking import LEFT_OUT, differences
from src.leaderboard.ranking import Averaging, averaged, ranked, scored
from src.leaderboard.rows import Row, Standings
from src.leaderboard.scoring import Evidence, TaskColumn, column_of, name_in
from src.shared.data.backend_description import BackendDescription
from src.shared.data.grouping import Known, by_commit, grouped, standing
from src.shared.data.reasons import Reasons, finder
from src.shared.data.request import Request
from src.shared.data.result import Result, Score
from src.shared.models.model_source import Presence
from src.tasks import Task


def standings(
    tasks: Sequence[Task],
    requests: Mapping[str, Request],
    results: Iterable[Result],
    presences: Mapping[str, Presence] = MappingProxyType({}),
    *,
    flags: Reasons = MappingProxyType({}),
    rank_mixed: bool = True,
    backend: BackendDescription | None = None,
) -> Standings:
    """Return the leaderboard that these requests (by path) and results make.

    `presences` has what the Hub said about models, by name, and `flags` what the owner says. Unless
    `rank_mixed`, marked scores do not count. `backend` is what the backend says about its tasks. Results of
    cancelled requests are left out.
    """
    results = standing(results, requests)
    found = [Evidence(task, results, backend) for task in tasks]
    columns = tuple(map(column_of, found))
    groups = grouped(results, requests)
    averaging = Averaging.of(columns)
    rows = _marked([_row(group, columns, averaging) for group in groups.values()], found, columns)
    rows = scored(rows, columns, rank_mixed=rank_mixed)
    flag_of = finder(flags)
    rows = [_with_flag(_with_presence(row, presences), flag_of(row.model)) for row in rows]
    return Standings(columns, ranked(rows), rank_mixed=rank_mixed, doubts=doubts(found))


def _with_presence(row: Row, presences: Mapping[str, Presence]) -> Row:
    """Add what the Hub said about the model. Prefer our own check; fall back to the old request."""
    if found := presences.get(row.model):
        return replace(row, is_available=found.is_available, tags=found.tags)
    written = row.request.extra.get("still_on_hub") if row.request else None
    return replace(row, is_available=written) if isinstance(written, bool) else row


def _with_flag(row: Row, reason: str | None) -> Row:
    return row if reason is None else replace(row, flag=reason)


def _row(group: Sequence[Known], columns: Sequence[TaskColumn], averaging: Averaging) -> Row:
    """Return the row of a model's results (the oldest first): its newest complete commit, or else its newest
    one.
    """
    versions = [_merged(commit, known, columns, averaging) for commit, known in by_commit(group).items()]
    versions.sort(key=lambda row: (row.is_complete, row.ended), reverse=True)
    return replace(
        versions[0],
        first_ended=group[0].result.ended,
        history=tuple(sorted(versions[1:], key=lambda row: row.ended, reverse=True)),
        runs=tuple(known.result for known in group),
    )


def _merged(
    commit: str | None, group: Sequence[Known], columns: Sequence[TaskColumn], averaging: Averaging
) -> Row:
    """Merge one commit's results (the oldest first) by task: the newest score of each task counts."""
    latest = group[-1].result
    newest_first = [known.result for known in reversed(group)]
    found = [_newest_score(newest_first, column) for column in columns]
    sources = tuple(source for source, _ in found)
    known = [score for _, score in found]
    scores = tuple(column.shown(score and score.value) for score, column in zip(known, columns, strict=True))
    samples = tuple(score and score.samples for score in known)
    limit = next((source.limit for source in sources if source and source.limit is not None), None)
    row = Row(
        model=latest.model,
        precision=latest.precision,
        weight_type=group[-1].weight_type,
        use_chat_template=latest.use_chat_template,
        commit=commit,
        scores=scores,
        errors=tuple(map(_error, known, columns)),
        samples=samples,
        sources=sources,
        average=None,
        done=0,
        total=0,
        standing=None,
        ended=latest.ended,
        request=next((known.request for known in reversed(group) if known.request), None),
        limit=limit,
        is_preliminary=limit is not None or _asked_fewer(samples, columns),
    )
    return averaged(row, scores, averaging)


def _marked(rows: Sequence[Row], found: Sequence[Evidence], columns: Sequence[TaskColumn]) -> list[Row]:
    """Return the rows with a mark at each score that may not be comparable with most of its column, and at
    each one that is missing because another engine computed it.
    """
    marks = []
    for place, (evidence, column) in enumerate(zip(found, columns, strict=True)):
        sources, task = [row.sources[place] for row in rows], column.task
        of_scores = differences([each.setting(name_in(each, task)) if each else None for each in sources])
        others = {id(result): result.engine for result in evidence.left_out}
        marks.append(
            [
                mark if source or not others else _left_out(row, others, column)
                for row, source, mark in zip(rows, sources, of_scores, strict=True)
            ]
        )
    return [
        replace(row, marks=each) if any(each) else row
        for row, each in zip(rows, zip(*marks, strict=True), strict=True)
    ]


def _left_out(row: Row, others: Mapping[int, str | None], column: TaskColumn) -> str:
    """Return why a row without a score has none, if another engine's score is left out; else nothing."""
    named = next((engine for result in reversed(row.runs) if (engine := others.get(id(result)))), None)
    return LEFT_OUT.format(named, column.engine) if named else ""


def _error(score: Score | None, column: TaskColumn) -> float | None:
    error = column.shown(score and score.stderr)
    return error if error is not None and error >= 0 else None


def _asked_fewer(samples: Sequence[int | None], columns: Sequence[TaskColumn]) -> bool:
    """Return whether a test had fewer questions than the backend asks of every model."""
    return any(
        asked is not None and column.questions is not None and asked < column.questions
        for asked, column in zip(samples, columns, strict=True)
    )


def _newest_score(newest_first: Sequence[Result], column: TaskColumn) -> tuple[Result | None, Score | None]:
    """Return the newest score that a column can show, and its result."""
    task = column.task
    for result in newest_first:
        if not column.shows(result):
            continue
        score = result.measured(name_in(result, task), task.metric)
        if score is not None:
            return result, score
    return None, None

"""What is computed again when a maintainer wants scores anew: which rows, on which tasks, by which requests.

A row is computed at its newest commit. The request of that commit is evaluated again; a result without one,
such as one by hand, gets one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from ..data.backend_description import BackendDescription, TaskDescription
from ..data.grouping import Known, RowKey, by_commit, grouped, newest_commit, standing
from ..data.model_name import is_model_name
from ..data.names import is_safe_path
from ..data.new_file import path_for
from ..data.provenance import COMMIT
from ..data.request import ADAPTER, DELTA, NO_DELTAS, Request, Status
from ..data.result import Result
from ..errors import NotPossible, unquoted
from ..stores.mirror import Reading
from ..times import to_text
from .acts import Moderation
from .blocklist import Blocklist, with_acts
from .steps import again

MOST_NAMED = 5

NO_TASK = "The suite has no task {}: it has {}."
NO_TASKS = "The suite has no tasks yet: start the worker, which writes them to backend.yaml."
NO_MODEL = "No result of {} is on this leaderboard: check the name."

HAS_ALL = "It needs nothing."
IN_THE_QUEUE = "It is in the queue already, or waits to be approved."
CANCELLED = "Its request was withdrawn or cancelled. To evaluate it, submit it again."
KEPT_OUT = "It is hidden or blocked."
PRIVATE = "Its request is of a private model."
OTHER_PRECISION = "Its precision, {}, is not evaluated here."
OTHER_WEIGHTS = "It has {} weights, which are not evaluated here.{}"
NO_COMMIT = "It has no request, and its result does not say which commit it is of. Submit it."
NO_BASE = "Neither its request nor its result says on which commit of which model the adapter was put."
NO_NAME = "It has no request, and the Hub cannot have a model of its name."


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which scores are wanted anew. Without `missing` and `older` it is all of them."""

    missing: bool = False
    """Those that are not there."""
    older: bool = False
    """Those that another version of their task gave."""
    tasks: tuple[str, ...] = ()
    """Of these tasks only; empty means all."""
    models: tuple[str, ...] = ()
    """Of these models only; empty means all."""


class Rerun(NamedTuple):
    """A row that is computed again."""

    path: str
    """The path of its request."""
    request: Request
    """The request as it will wait for a worker."""
    tasks: tuple[str, ...]
    """The tasks that are computed."""
    is_new: bool
    """Whether the result had no request."""


class LeftAlone(NamedTuple):
    """A row that is not computed again."""

    model: str
    kind: str
    """How it is evaluated, in words."""
    why: str


@dataclass(frozen=True)
class Reruns:
    """What is computed again, and what is not."""

    wanted: tuple[Rerun, ...] = ()
    left: tuple[LeftAlone, ...] = ()

    @property
    def evaluations(self) -> int:
        """How many tasks are computed, over all rows."""
        return sum(len(each.tasks) for each in self.wanted)


@dataclass(frozen=True)
class Records:
    """The datasets at one moment, as far as reruns depend on them."""

    requests: Reading[Request]
    results: Reading[Result]
    description: BackendDescription
    moderation: Moderation = field(default_factory=Moderation)
    blocked: Blocklist = field(default_factory=Blocklist)

    @cached_property
    def kept_out(self) -> Blocklist:
        """What the owner's own list and maintainers hide, or keep from submissions."""
        return with_acts(self.blocked, self.moderation)


def plan_reruns(selection: Selection, records: Records, *, by: str | None, now: datetime) -> Reruns:
    """Return what is computed again. Raises NotPossible for a task or model that is not there."""
    wanted_tasks = _tasks_wanted(selection, records.description)
    requests, hidden = records.requests.values, records.moderation
    results = [
        result
        for result in standing(records.results.values.values(), requests)
        if not hidden.is_of_before_a_removal(result.model, result.began)
    ]
    groups = grouped(results, requests)
    chosen = _of_the_models(selection.models, groups)
    asked = _by_row(requests)
    taken = set(records.requests.snapshot.files)
    wanted: list[Rerun] = []
    left: list[LeftAlone] = []
    for key, group in sorted(chosen.items()):
        newest = newest_commit(group)
        row = _Row(key, by_commit(group)[newest], newest, asked.get(key, {}))
        try:
            tasks = _needed(selection, row, records.description, wanted_tasks)
            rerun = _rerun(row, tasks, records, taken, by=by, now=now)
        except NotPossible as reason:
            left.append(LeftAlone(group[-1].result.model, row.kind, str(reason)))
            continue
        taken.add(rerun.path)
        wanted.append(rerun)
    return Reruns(tuple(wanted), tuple(left))


def named(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """Return the first of some names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(unquoted, names[:most])) + more


def entries_of(description: BackendDescription) -> tuple[str, ...]:
    """Return the names in the suite, which requests use: of a tag its own, and not those of its tasks."""
    return tuple(dict.fromkeys(task.entry for task in description.tasks))


class _Row(NamedTuple):
    key: RowKey
    group: Sequence[Known]
    """Its results at its newest commit, the oldest first."""
    newest: str | None
    requests: Mapping[str, Request]
    """All requests of this model, precision, weight type and chat template, by path."""

    @property
    def result(self) -> Result:
        return self.group[-1].result

    @property
    def commit(self) -> str | None:
        """The newest commit, if a model can be loaded at it."""
        return self.newest if self.newest and COMMIT.fullmatch(self.newest) else None

    @property
    def kind(self) -> str:
        template = ", with its chat template" if self.key.use_chat_template else ""
        return f"{self.key.precision}, {self.key.weight_type}{template}"


def _tasks_wanted(selection: Selection, description: BackendDescription) -> tuple[str, ...]:
    entries = entries_of(description)
    if not entries:
        raise NotPossible(NO_TASKS)
    names = {task.name: task.entry for task in description.tasks} | {entry: entry for entry in entries}
    if unknown := [task for task in selection.tasks if task not in names]:
        raise NotPossible(NO_TASK.format(named(unknown), ", ".join(map(unquoted, entries))))
    chosen = {names[task] for task in selection.tasks}
    return tuple(entry for entry in entries if not chosen or entry in chosen)


def _of_the_models(
    models: Collection[str], groups: Mapping[RowKey, list[Known]]
) -> Mapping[RowKey, list[Known]]:
    there = {key.model for key in groups}
    if unknown := [model for model in models if model.casefold() not in there]:
        raise NotPossible(NO_MODEL.format(named(unknown)))
    chosen = {model.casefold() for model in models}
    return {key: group for key, group in groups.items() if not chosen or key.model in chosen}


def _by_row(requests: Mapping[str, Request]) -> dict[RowKey, dict[str, Request]]:
    found: dict[RowKey, dict[str, Request]] = defaultdict(dict)
    for path, each in requests.items():
        key = RowKey(each.model.casefold(), each.precision, each.weight_type, each.use_chat_template)
        found[key][path] = each
    return found


# What is needed


def _needed(
    selection: Selection, row: _Row, description: BackendDescription, wanted: Sequence[str]
) -> tuple[str, ...]:
    """Return the names of the suite that a row needs. Raises NotPossible if it needs none."""
    if not (selection.missing or selection.older):
        return tuple(wanted)
    newest_first = [
        known.result for known in reversed(row.group) if known.result.engine in (None, description.engine)
    ]
    needed = {
        task.entry
        for task in description.tasks
        if task.entry in wanted and _is_needed(selection, task, newest_first)
    }
    if not needed:
        raise NotPossible(HAS_ALL)
    return tuple(entry for entry in wanted if entry in needed)


def _is_needed(selection: Selection, task: TaskDescription, newest_first: Sequence[Result]) -> bool:
    newest = next((result for result in newest_first if _has_a_score(result, task)), None)
    if newest is None:
        return selection.missing
    version = newest.setting(task.name).version
    return selection.older and None not in (version, task.version) and version != task.version


def _has_a_score(result: Result, task: TaskDescription) -> bool:
    """Return whether a result has a task's scores: its own, or those of all its parts.

    Of a run of ours not all parts of a group need one: groups within it may have none, and its worker has
    checked that what was evaluated has its scores.
    """
    if any(value is not None for value in result.scores.get(task.name, {}).values()):
        return True
    meant = () if task.name in result.scores else result.tasks(task.name)
    if meant and all(_is_scored(result, part) for part in meant):
        return True
    scored = sum(_is_scored(result, part) for part in task.parts)
    was_checked = result.run is not None and result.setup is not None and task.name in result.setup.tasks
    return bool(scored) and (was_checked or scored >= (task.subtasks or len(task.parts)))


def _is_scored(result: Result, task: str) -> bool:
    return any(value is not None for value in result.scores.get(task, {}).values())


# By which request


def _rerun(
    row: _Row,
    tasks: tuple[str, ...],
    records: Records,
    taken: Collection[str],
    *,
    by: str | None,
    now: datetime,
) -> Rerun:
    """Return the row's rerun. Raises NotPossible with the reason to leave it alone."""
    _may_be_evaluated(row, records)
    entries = entries_of(records.description)
    if row.commit is None:  # scores of today's commit cannot complete those of an unknown one
        tasks = entries
    found = max(_at_the_commit(row), key=lambda each: _likelihood(row, *each), default=None)
    path, request = found or _new_request(row, taken, now=now)
    if request.status is Status.CANCELLED:
        raise NotPossible(CANCELLED)
    if request.private:
        raise NotPossible(PRIVATE)
    # Also after a failure the row has a result: it is a rerun, and goes behind the submissions.
    request = replace(_exact(request, row), status=Status.FINISHED)
    asked = None if set(tasks) == set(entries) else tasks
    return Rerun(path, again(request, by=by, now=now, tasks=asked), tasks, is_new=found is None)


def _exact(request: Request, row: _Row) -> Request:
    """Return the request with the commits of the row, where it lacks them. Raises NotPossible."""
    if row.key.weight_type == ADAPTER:
        origin = row.result.provenance
        base, commit = request.base_model or origin.base_model, request.base_commit or origin.base_commit
        if not (base and commit):
            raise NotPossible(NO_BASE)
        request = replace(request, base_model=base, base_commit=commit)
    return replace(request, commit=request.commit or row.commit)


def _may_be_evaluated(row: _Row, records: Records) -> None:
    """Raise NotPossible for a row that no worker would evaluate, or that will be evaluated anyway."""
    model, description = row.result.model, records.description
    if records.kept_out.model(model) is not None:
        raise NotPossible(KEPT_OUT)
    if any(each.status in (Status.WAITING, Status.PENDING, Status.RUNNING) for each in row.requests.values()):
        raise NotPossible(IN_THE_QUEUE)
    if description.weight_types and row.key.weight_type not in description.weight_types:
        remedy = f" {NO_DELTAS}" if row.key.weight_type == DELTA else ""
        raise NotPossible(OTHER_WEIGHTS.format(unquoted(row.key.weight_type), remedy))
    if description.precisions and row.key.precision not in description.precisions:
        raise NotPossible(OTHER_PRECISION.format(unquoted(row.key.precision)))


def _at_the_commit(row: _Row) -> Iterator[tuple[str, Request]]:
    """Yield the requests, by path, of the row's commit, and those that name none."""
    for path, request in row.requests.items():
        if row.commit is None or request.commit in (row.commit, None, ""):
            yield path, request


def _likelihood(row: _Row, path: str, request: Request) -> tuple[bool, bool, bool, str]:
    """Return how likely it is that a request is the row's."""
    return (
        request.status is Status.FINISHED,
        request.commit == row.commit,
        path == row.result.request,
        request.submitted_time,
    )


def _new_request(row: _Row, taken: Collection[str], *, now: datetime) -> tuple[str, Request]:
    """Return a finished request for the row's newest result, which has none, and its path."""
    result, likely = row.result, row.group[-1].request
    if not is_model_name(result.model):
        raise NotPossible(NO_NAME)
    if row.commit is None:
        raise NotPossible(NO_COMMIT)
    request = Request(
        model=result.model,
        revision=row.commit,
        precision=row.key.precision,
        weight_type=row.key.weight_type,
        status=Status.FINISHED,
        submitted_time=to_text(now),
        model_type=likely.model_type if likely else "",
        params=likely.params if likely else None,
        license=likely.license if likely else "",
        commit=row.commit,
        use_chat_template=row.key.use_chat_template,
        result=result.path,
    )
    path = path_for(request, taken)
    if not is_safe_path(path):
        raise NotPossible(NO_NAME)
    return path, request

"""Which tasks a row needs anew: those that are selected, as far as its scores are missing or older."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..data.backend_description import BackendDescription, TaskDescription
from ..data.result import Result
from ..errors import NotPossible, named, unquoted
from .rerun_rows import Row

NO_TASK = "The suite has no task {}: it has {}."
NO_TASKS = "The suite has no tasks yet: start the worker, which writes them to backend.yaml."
HAS_ALL = "It needs nothing."


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


def entries_of(description: BackendDescription) -> tuple[str, ...]:
    """Return the names in the suite, which requests use: of a tag its own, and not those of its tasks."""
    return tuple(dict.fromkeys(task.entry for task in description.tasks))


def tasks_wanted(selection: Selection, description: BackendDescription) -> tuple[str, ...]:
    """Return the selected names of the suite. Raises NotPossible for a task that it does not have."""
    entries = entries_of(description)
    if not entries:
        raise NotPossible(NO_TASKS)
    names = {task.name: task.entry for task in description.tasks} | {entry: entry for entry in entries}
    if unknown := [task for task in selection.tasks if task not in names]:
        raise NotPossible(NO_TASK.format(named(unknown), ", ".join(map(unquoted, entries))))
    chosen = {names[task] for task in selection.tasks}
    return tuple(entry for entry in entries if not chosen or entry in chosen)


def needed(
    selection: Selection, row: Row, description: BackendDescription, wanted: Sequence[str]
) -> tuple[str, ...]:
    """Return the names of the suite that a row needs. Raises NotPossible if it needs none."""
    if not (selection.missing or selection.older):
        return tuple(wanted)
    newest_first = [
        known.result for known in reversed(row.group) if known.result.engine in (None, description.engine)
    ]
    found = {
        task.entry
        for task in description.tasks
        if task.entry in wanted and _is_needed(selection, task, newest_first)
    }
    if not found:
        raise NotPossible(HAS_ALL)
    return tuple(entry for entry in wanted if entry in found)


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

"""Finds the board's tasks in a report from elsewhere, and checks their questions and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from src.shared.data.backend_description import BackendDescription, TaskDescription
from src.shared.data.benchmark import AVERAGE, metric_key
from src.shared.data.result import Result
from src.shared.errors import named
from src.upkeep.score_table import Groups, parts_of
from src.upkeep.stated import Refused, Stated

ALL = "all"
"""lighteval's mean over all its tasks."""

NO_TASK = "it has none of this board's tasks ({}); it has {}"
LIMITED = "it was run with a limit of {:g}, so it has only some of the questions: give --allow-limit"
NOT_ALL = "it asked {:,} questions of {}, and the board asks {:,}"
NO_SCORE = "it has no finite {} for {}"

Tasks = Mapping[str, Sequence[str]]
"""The board's tasks that a report has, each with the report's tasks whose scores it stands for."""


def tasks_in(result: Result, groups: Groups, board: BackendDescription) -> tuple[Tasks, list[str]]:
    """Return the board's tasks in a report, each with the scores that it stands for, and remarks.

    Raises Refused if it has none.
    """
    found = {task.name: parts_of(task.name, result, groups) for task in board.tasks}
    tasks = {name: parts for name, parts in found.items() if parts}
    known = {*tasks, *(part for parts in tasks.values() for part in parts), ALL}
    known |= {part for task in board.tasks if task.name in tasks for part in task.parts}
    foreign = [task for task in result.scores if task not in known and AVERAGE not in task]
    if not tasks:
        names = [task.name for task in board.tasks]
        raise Refused(NO_TASK.format(named(names), named(foreign) or "no tasks at all"))
    missing = [name for name, parts in found.items() if not parts]
    notes = [f"it lacks {named(missing)}"] if missing else []
    return tasks, [*notes, *([f"this board does not have {named(foreign)}"] if foreign else [])]


def task_of(board: BackendDescription, name: str) -> TaskDescription:
    """Return what the board says about one of its tasks."""
    return next(task for task in board.tasks if task.name == name)


def check_questions(result: Result, tasks: Tasks, board: BackendDescription, stated: Stated) -> None:
    """Refuse a report that asked only some of the questions, unless the board does so or it is allowed."""
    if result.limit is not None and result.limit != board.limit and not stated.allow_limit:
        raise Refused(LIMITED.format(result.limit))
    if result.limit is not None or board.limit is not None:
        return
    for name, parts in tasks.items():
        asked, expected = asked_in(result, parts), task_of(board, name).questions
        if None not in (asked, expected) and asked != expected:
            raise Refused(NOT_ALL.format(asked, name, expected))


def asked_in(result: Result, parts: Sequence[str]) -> int | None:
    """Return how many questions were asked in all of these tasks; None if the report does not say."""
    numbers = [result.n_samples.get(part) for part in parts]
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def check_scores(
    result: Result, task: TaskDescription, parts: Sequence[str], *, is_same_engine: bool
) -> None:
    """Refuse a report that lacks a finite score which the board's own evaluations have.

    The parts of a group without scores of its own, and the tasks of another engine, have other metrics.
    """
    for part in parts:
        scores = result.scores[part]
        wanted = [each.key for each in task.metrics] if part == task.name and is_same_engine else []
        for key in wanted:
            if metric_key(scores, key) is None or result.score(part, key) is None:
                raise Refused(NO_SCORE.format(key, part))
        if not any(value is not None for value in scores.values()):
            raise Refused(NO_SCORE.format("score", part))

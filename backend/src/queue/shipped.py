"""The shipped example tasks, and how to recognise queues that are meant for other tasks."""

from __future__ import annotations

from collections.abc import Iterable

from src.shared.data.benchmark import SEPARATOR
from src.shared.data.old_template import is_of_the_old_template
from src.shared.data.request import Request
from src.shared.data.result import Result

SHIPPED_TASKS = ("tiny_addition", "tiny_agreement", "tiny_copy")

SET_THE_TASKS = (
    "{} belongs to a leaderboard that does not use the three shipped example tasks, so nothing is evaluated. "
    "Set TASKS_HARNESS in src/envs.py, or as a variable of this Space, to the tasks of your leaderboard, "
    'such as "arc_challenge|25, hellaswag|10". With ENGINE = "lighteval", set TASKS_LIGHTEVAL.'
)


def is_made_for_others(
    tasks: tuple[str, ...], requests: Iterable[Request], results: Iterable[Result]
) -> bool:
    """Return whether a worker with the shipped tasks faces a queue that is meant for other tasks.

    A result with one of the shipped tasks shows that the queue is meant for them.
    """
    if tuple(map(_name, tasks)) != SHIPPED_TASKS:
        return False
    evaluated = [{_name(task) for task in result.scores} for result in results]
    if any(not names.isdisjoint(SHIPPED_TASKS) for names in evaluated):
        return False
    return bool(evaluated) or any(map(is_of_the_old_template, requests))


def _name(task: str) -> str:
    """Return a task's name without the number of examples, which lighteval's names have."""
    return task.partition(SEPARATOR)[0]

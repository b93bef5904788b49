"""The suite: which tasks this worker runs on every model, and how, in lm_eval's terms.

`python -m src.suite` tries it, as the worker does before it claims anything, and tells what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from src.shared.errors import ConfigurationError

ENTRY = re.compile(r"\s*([^\s|]+)\s*(?:\|\s*(\d+)\s*)?")
"""`name` or `name|few-shot`."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What is run on every model.

    `tasks_dir` is a folder of trusted lm_eval task files; lm_eval's own collection is at hand beside it.
    `num_fewshot` is for the tasks that have no number in `fewshot_by_task`; None keeps each task's own
    default. `limit` None evaluates every sample. `batch_size` is lm_eval's: a number, `auto` or `auto:N`.
    `bootstrap_iters`, lm_eval's too, is how often the answers are resampled for the standard error of a
    metric that has no formula for it. `confirm_run_unsafe_code` lets tasks execute code that the model wrote.
    `publish_examples` publishes a question of each task with its answer.
    """

    tasks: tuple[str, ...]
    tasks_dir: str
    num_fewshot: int | None = None
    fewshot_by_task: Mapping[str, int] = field(default_factory=dict)
    limit: float | None = None
    batch_size: str = "auto"
    bootstrap_iters: int = 100_000
    device: str = "cpu"
    confirm_run_unsafe_code: bool = False
    publish_examples: bool = False

    def fewshot(self, task: str) -> int | None:
        """The number of examples that lm_eval is told for a task; None tells it nothing."""
        return self.fewshot_by_task.get(task, self.num_fewshot)


class Tasks(NamedTuple):
    """The tasks that the owner named, and the numbers of examples that were given with them."""

    names: tuple[str, ...]
    fewshot_by_task: Mapping[str, int]


def read_tasks(named: object) -> Tasks:
    """Read `TASKS_HARNESS`: names, each alone or as `name|few-shot`, in a list or in a text with commas.

    Raises ConfigurationError for what cannot be meant.
    """
    entries = [part for part in named.split(",") if part.strip()] if isinstance(named, str) else named
    if not isinstance(entries, Iterable):
        raise ConfigurationError(f"TASKS_HARNESS is {named!r}: write task names separated by commas.")
    fewshot: dict[str, int | None] = {}
    for entry in entries:
        name, number = _read_entry(entry)
        if name in fewshot:
            raise ConfigurationError(f"TASKS_HARNESS names {name} twice: remove one of them.")
        fewshot[name] = number
    if not fewshot:
        raise ConfigurationError("TASKS_HARNESS names no task: write at least one, such as arc_challenge.")
    given = {name: number for name, number in fewshot.items() if number is not None}
    return Tasks(tuple(fewshot), given)


def _read_entry(entry: object) -> tuple[str, int | None]:
    found = ENTRY.fullmatch(entry) if isinstance(entry, str) else None
    if not found:
        raise ConfigurationError(
            f"TASKS_HARNESS contains {entry!r}: write the name of an lm_eval task, or the name and a number "
            "of "
            "few-shot examples, such as arc_challenge|25."
        )
    name, number = found.groups()
    return name, None if number is None else int(number)

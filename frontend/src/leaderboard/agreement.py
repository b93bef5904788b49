"""Where about.py and the backend disagree: a sentence each, for the owner."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from src.leaderboard.engines import Engine, engine_of
from src.shared.data.backend_description import BackendDescription, TaskDescription
from src.shared.data.benchmark import SEPARATOR, keys_meant
from src.shared.version import VERSION
from src.tasks import ANY_ENGINE, Task

MOST_OF_A_VERSION = 20
"""Characters that are shown of the version in the backend's file."""


@dataclass(frozen=True)
class BothSides:
    """The two sides: the columns and number of examples in about.py, and the backend's description."""

    tasks: Sequence[Task]
    num_fewshot: int | None
    backend: BackendDescription

    @property
    def engine(self) -> Engine:
        """The engine that the backend runs."""
        return engine_of(self.backend)


def described(task: Task, backend: BackendDescription | None) -> TaskDescription | None:
    """Return the description of a column's benchmark, or of the group that it is part of."""
    tasks = backend.tasks if backend else ()
    named = next((each for each in tasks if is_task(each, task)), None)
    return named or next((each for each in tasks if means_any(each.parts, task.benchmark)), None)


def is_task(known: TaskDescription, task: Task) -> bool:
    """Return whether a description is of a column's benchmark itself, not of a group around it."""
    return means_any((known.name,), task.benchmark)


def means_any(names: tuple[str, ...], benchmark: str) -> bool:
    """Return whether a benchmark means one of these tasks: `gsm8k` also means lighteval's `gsm8k|5`."""
    if benchmark in names or not any(SEPARATOR in name for name in names):
        return benchmark in names
    return bool(keys_meant(names, benchmark))


def differences(
    tasks: Sequence[Task], num_fewshot: int | None, backend: BackendDescription
) -> tuple[str, ...]:
    """Return what the owner should fix, the worst first, after the backend's own problems."""
    sides = BothSides(tasks, num_fewshot, backend)
    return (*backend.problems, *(sentence for rule in RULES for sentence in rule(sides)))


def every_column_is_run(sides: BothSides) -> Iterator[str]:
    """A column without a task stays empty."""
    for task in sides.tasks:
        if not described(task, sides.backend):
            yield (
                f"The column {task.col_name} stays empty for new models: the backend does not run "
                f"{task.benchmark}. Add it to {sides.engine.tasks_setting} in the backend's settings, or "
                "remove the column from src/about.py."
            )


def every_column_shows_the_backends_engine(sides: BothSides) -> Iterator[str]:
    """A column of another engine's scores stays empty."""
    ours = sides.engine.name
    for task in sides.tasks:
        if task.engine not in (None, ANY_ENGINE, ours) and described(task, sides.backend):
            yield (
                f"The column {task.col_name} stays empty for new models: it shows the scores of "
                f"{task.engine}, and the backend evaluates with {ours}. Write engine={ours!r} or "
                f"engine={ANY_ENGINE!r} in its Task in src/about.py, or leave engine out."
            )


def every_metric_is_computed(sides: BothSides) -> Iterator[str]:
    """A column whose metric no report has stays empty. The metrics of a group's parts are not known."""
    for task in sides.tasks:
        known = described(task, sides.backend)
        if known and is_task(known, task) and known.metrics and not known.metric(task.metric):
            metrics = ", ".join(metric.key for metric in known.metrics)
            yield (
                f"The column {task.col_name} stays empty for new models: {task.benchmark} has no metric "
                f"{task.metric}, or has it with several filters. Write one of {metrics} in src/about.py."
            )


def every_direction_is_the_same(sides: BothSides) -> Iterator[str]:
    """A score would be ranked the wrong way round."""
    for task in sides.tasks:
        known = described(task, sides.backend)
        metric = known.metric(task.metric) if known and is_task(known, task) else None
        if (
            metric
            and None not in (directions := {task.higher_is_better, metric.higher_is_better})
            and len(directions) > 1
        ):
            better = "higher" if metric.higher_is_better else "lower"
            yield (
                f"For the column {task.col_name}, src/about.py says higher_is_better={task.higher_is_better}"
                f", but {sides.engine.name} says that {better} is better. Correct the one that is wrong."
            )


def every_task_has_a_column(sides: BothSides) -> Iterator[str]:
    """A task that nobody sees costs time."""
    for known in sides.backend.tasks:
        if not any(means_any((known.name, *known.parts), task.benchmark) for task in sides.tasks):
            yield (
                f"The backend evaluates {known.name}, which no column shows. Add it to Tasks in "
                f"src/about.py, or remove it from {sides.engine.tasks_setting} in the backend's settings."
            )


def the_examples_are_the_same(sides: BothSides) -> Iterator[str]:
    """The number in about.py is for visitors only; the backend's number is what is used."""
    if sides.num_fewshot is None:
        return
    others = [
        f"{known.num_fewshot} for {known.name}"
        for known in sides.backend.tasks
        if known.num_fewshot not in (None, sides.num_fewshot)
    ]
    if others:
        yield (
            f"NUM_FEWSHOT in src/about.py is {sides.num_fewshot}, but the backend uses {', '.join(others)}. "
            "Set it there to the backend's number, or to None if the tasks have their own."
        )


def nothing_is_cut_short(sides: BothSides) -> Iterator[str]:
    """Scores under a limit are for trying things out."""
    if sides.backend.limit is not None:
        yield (
            f"The backend evaluates only part of each task (LIMIT is {sides.backend.limit:g}), and every new "
            "result carries a badge that shows it. Unset LIMIT in the backend's settings to evaluate all."
        )


def both_run_the_same_version(sides: BothSides) -> Iterator[str]:
    """A field that only one side knows has no effect; a backend of 0.1 publishes no version."""
    theirs = sides.backend.version
    if theirs not in (None, VERSION):
        older = "this Space" if _numbers(VERSION) < _numbers(theirs) else "the backend"
        yield (
            f"This page is version {VERSION} of the template, and the backend is version "
            f"{theirs[:MOST_OF_A_VERSION]}. Run make upgrade in your clone, and deploy {older} from it."
        )


def _numbers(version: str) -> list[int]:
    """Return the numbers of a version, which compare as it does: 0.10 is later than 0.9."""
    return [int(number) for number in re.findall("[0-9]{1,9}", version)[:3]]


RULES: list[Callable[[BothSides], Iterator[str]]] = [
    every_column_is_run,
    every_column_shows_the_backends_engine,
    every_metric_is_computed,
    every_direction_is_the_same,
    every_task_has_a_column,
    the_examples_are_the_same,
    nothing_is_cut_short,
    both_run_the_same_version,
]

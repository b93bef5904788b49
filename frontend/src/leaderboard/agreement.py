"""Where about.py and what the backend says it runs do not agree: a sentence each, for the owner."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from src.shared.data.backend_description import BackendDescription, TaskDescription
from src.shared.version import VERSION
from src.tasks import Task

MOST_OF_A_VERSION = 20
"""Characters that are shown of the version in the backend's file."""


@dataclass(frozen=True)
class Plan:
    """What the two sides say: the columns and the number of examples of about.py, and the backend's file."""

    tasks: Sequence[Task]
    num_fewshot: int | None
    backend: BackendDescription


def described(task: Task, backend: BackendDescription | None) -> TaskDescription | None:
    """What the backend says of a column's benchmark: a task or group that it was told, or a part of one."""
    tasks = backend.tasks if backend else ()
    told = next((each for each in tasks if each.name == task.benchmark), None)
    return told or next((each for each in tasks if task.benchmark in each.parts), None)


def differences(
    tasks: Sequence[Task], num_fewshot: int | None, backend: BackendDescription
) -> tuple[str, ...]:
    """What the owner should mend, the worst first; the backend's own problems come before all."""
    plan = Plan(tasks, num_fewshot, backend)
    return (*backend.problems, *(sentence for rule in RULES for sentence in rule(plan)))


def every_column_is_run(plan: Plan) -> Iterator[str]:
    """A column without a task stays empty."""
    for task in plan.tasks:
        if not described(task, plan.backend):
            yield (
                f"The column {task.col_name} stays empty for new models: the backend does not run "
                f"{task.benchmark}. Add it to TASKS_HARNESS in the backend's settings, or remove the column "
                "from src/about.py."
            )


def every_metric_is_computed(plan: Plan) -> Iterator[str]:
    """A column whose metric no report has stays empty; of a part of a group the metrics are not known."""
    for task in plan.tasks:
        known = described(task, plan.backend)
        if known and known.name == task.benchmark and known.metrics and not known.metric(task.metric):
            metrics = ", ".join(metric.key for metric in known.metrics)
            yield (
                f"The column {task.col_name} stays empty for new models: {task.benchmark} has no metric "
                f"{task.metric}, or has it with several filters. Write one of {metrics} in src/about.py."
            )


def every_direction_is_the_same(plan: Plan) -> Iterator[str]:
    """A score would be ranked the wrong way round."""
    for task in plan.tasks:
        known = described(task, plan.backend)
        metric = known.metric(task.metric) if known and known.name == task.benchmark else None
        if (
            metric
            and None not in (says := {task.higher_is_better, metric.higher_is_better})
            and len(says) > 1
        ):
            better = "more" if metric.higher_is_better else "less"
            yield (
                f"Of the column {task.col_name}, src/about.py says higher_is_better={task.higher_is_better}, "
                f"and lm_eval that {better} is better: one of them is wrong."
            )


def every_task_has_a_column(plan: Plan) -> Iterator[str]:
    """A task that nobody sees costs time."""
    for known in plan.backend.tasks:
        names = {known.name, *known.parts}
        if not any(task.benchmark in names for task in plan.tasks):
            yield (
                f"The backend evaluates {known.name}, which no column shows. Add it to Tasks in "
                "src/about.py, or remove it from TASKS_HARNESS in the backend's settings."
            )


def the_examples_are_the_same(plan: Plan) -> Iterator[str]:
    """What about.py says is only said; what the backend uses counts."""
    if plan.num_fewshot is None:
        return
    others = [
        f"{known.num_fewshot} for {known.name}"
        for known in plan.backend.tasks
        if known.num_fewshot not in (None, plan.num_fewshot)
    ]
    if others:
        yield (
            f"NUM_FEWSHOT in src/about.py is {plan.num_fewshot}, and the backend uses {', '.join(others)}. "
            "Set it there to the backend's number, or to None where the tasks have their own."
        )


def nothing_is_cut_short(plan: Plan) -> Iterator[str]:
    """Scores under a limit are for trying things out."""
    if plan.backend.limit is not None:
        yield (
            f"The backend evaluates only a part of each task (LIMIT is {plan.backend.limit:g}), and every "
            "new result carries a badge that says so. Unset LIMIT in the backend's settings to evaluate all."
        )


def both_run_the_same_version(plan: Plan) -> Iterator[str]:
    """A field that only one side knows has no effect; a backend of 0.1 publishes no version."""
    if plan.backend.version not in (None, VERSION):
        yield (
            f"This page is version {VERSION} of the template, and the backend is version "
            f"{plan.backend.version[:MOST_OF_A_VERSION]}. Copy the newer one over the older one."
        )


RULES: list[Callable[[Plan], Iterator[str]]] = [
    every_column_is_run,
    every_metric_is_computed,
    every_direction_is_the_same,
    every_task_has_a_column,
    the_examples_are_the_same,
    nothing_is_cut_short,
    both_run_the_same_version,
]

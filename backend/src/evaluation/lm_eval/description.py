"""Describes what this worker runs, for `backend.yaml`, from configuration files and settings only."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from lm_eval.tasks import TaskManager

from src.evaluation.devices import batch_size
from src.evaluation.lm_eval.tasks.configs import (
    Leaf,
    group_metrics,
    groups_in,
    is_below,
    is_group,
    leaves,
    random_baseline,
    version,
)
from src.evaluation.lm_eval.tasks.overlaps import overlaps
from src.evaluation.lm_eval.tasks.tasks import COLLECTION, index_for
from src.evaluation.lm_eval.trial.problems import problems
from src.evaluation.loading.architectures import known_architectures
from src.evaluation.loading.quantization import known_quantizations
from src.evaluation.own_tasks import include_path
from src.evaluation.versions import versions
from src.running.suite import Suite
from src.shared.data.backend_description import BackendDescription, TaskDescription
from src.shared.data.precision import PRECISIONS

T = TypeVar("T")


def describe(
    suite: Suite,
    tasks: TaskManager | None = None,
    *,
    is_tried: bool = False,
    unreadable: Collection[str] = (),
) -> BackendDescription:
    """Describe what a worker with this suite runs, without loading questions or calling the Hub.

    With `is_tried`, leave out problems that the trial finds more reliably. Leave out `unreadable` tasks, too.
    """
    tasks = tasks or index_for(suite.tasks, suite.tasks_dir, suite.metadata)
    known = [name for name in suite.tasks if name in tasks.task_index]
    return BackendDescription(
        engine=suite.engine.value,
        tasks=tuple(each for name in known for each in describe_task(name, tasks, suite)),
        problems=(
            *overlaps(suite, tasks),
            *(
                sentence
                for name in suite.tasks
                for sentence in problems(
                    name,
                    tasks,
                    confirm_run_unsafe_code=suite.confirm_run_unsafe_code,
                    is_tried=is_tried,
                    unreadable=unreadable,
                )
            ),
        ),
        limit=suite.limit,
        batch_size=batch_size(suite),
        device=suite.device,
        include_path=include_path(suite),
        precisions=PRECISIONS,
        weight_types=suite.weight_types,
        settings=suite.settings,
        versions=versions(suite.packages),
        architectures=known_architectures(),
        quantizations=known_quantizations(suite),
    )


def describe_task(name: str, tasks: TaskManager, suite: Suite) -> list[TaskDescription]:
    """Describe a task or group. A tag has no score of its own, so return the descriptions of its tasks."""
    given = suite.fewshot(name)
    single = [_single(leaf, given, suite) for leaf in leaves(name, tasks)]
    if is_group(tasks.task_index[name]):
        return [_group(name, tasks, single, suite)]
    return [each if each.name == name else replace(each, tag=name) for each in single]


def _single(leaf: Leaf, given: int | None, suite: Suite) -> TaskDescription:
    return TaskDescription(
        name=leaf.name,
        kind=leaf.kind,
        metrics=tuple(leaf.metrics),
        num_fewshot=leaf.fewshot(given),
        given_num_fewshot=given,
        version=version(leaf.config),
        questions=leaf.questions,
        random_baseline=random_baseline(leaf.config),
        datasets=tuple(leaf.datasets),
        file=published_path(leaf.file, suite),
    )


def _group(name: str, tasks: TaskManager, parts: list[TaskDescription], suite: Suite) -> TaskDescription:
    entry = tasks.task_index[name]
    questions = [part.questions for part in parts if part.questions is not None]
    return TaskDescription(
        name=name,
        kind=_common(part.kind for part in parts),
        metrics=tuple(group_metrics(entry.cfg, [metric for part in parts for metric in part.metrics])),
        num_fewshot=_common(part.num_fewshot for part in parts),
        given_num_fewshot=suite.fewshot(name),
        version=version(entry.cfg),
        questions=sum(questions) if len(questions) == len(parts) else None,
        random_baseline=random_baseline(entry.cfg),
        datasets=tuple(sorted({dataset for part in parts for dataset in part.datasets})),
        file=published_path(entry.yaml_path, suite),
        subtasks=len(parts),
        parts=tuple(sorted({*(part.name for part in parts), *groups_in(name, tasks)})),
    )


def _common(values: Iterable[T | None]) -> T | None:
    """Return the value if it is the same for all, or else None."""
    different = set(values)
    return different.pop() if len(different) == 1 else None


def published_path(file: Path | None, suite: Suite) -> str | None:
    """Return the path of a task's file, without this machine's folders."""
    folders = {Path(suite.tasks_dir): include_path(suite), COLLECTION: "lm_eval/tasks"}
    for folder, name in folders.items():
        if file and is_below(file, folder):
            return f"{name}/{file.resolve().relative_to(folder.resolve()).as_posix()}"
    return None

"""Finds lm_eval tasks by name, first in the leaderboard's own folder, then in lm_eval's collection."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path

import lm_eval.tasks
from lm_eval.tasks import TaskManager

from src.evaluation.failures import Failed
from src.evaluation.lm_eval.tasks.configs import is_group, leaves, named
from src.evaluation.lm_eval.tasks.overlaps import overlaps
from src.running.arguments import Arguments
from src.running.job import End
from src.running.suite import Suite
from src.suite.task_files import Stamp, stamp

log = logging.getLogger(__name__)

COLLECTION = Path(lm_eval.tasks.__file__).parent


_ready: dict[tuple[tuple[str, ...], str, Stamp], TaskManager] = {}
"""What a warm parent indexed for all its children. After a file changes, each makes its own index."""


def make_ready(suite: Suite) -> None:
    """Index the suite's tasks once, for this process and its forks."""
    files = stamp(suite.tasks_dir)
    _ready[suite.tasks, suite.tasks_dir, files] = index_for(suite.tasks, suite.tasks_dir, suite.metadata)


def find_tasks(names: Sequence[str], tasks_dir: str, metadata: Arguments | None = None) -> TaskManager:
    """Return an index of task files that contains all these tasks. Raises `Failed` if one does not exist."""
    index = index_for(names, tasks_dir, metadata)
    unknown = [name for name in names if name not in index.task_index]
    if unknown:
        raise Failed(
            f"The task {unknown[0]} is neither in this leaderboard's tasks folder nor in lm_eval "
            f"{version('lm_eval')}. The leaderboard's owner has to correct this; the model is not at fault.",
            End.WORKER,
        )
    return index


def check_code(suite: Suite, index: TaskManager) -> None:
    """Raise `Failed` if a task executes code that the model writes and the suite does not allow it."""
    for name in () if suite.confirm_run_unsafe_code else suite.tasks:
        for leaf in leaves(name, index):
            if leaf.runs_the_models_code:
                raise Failed(
                    f"The task {named(leaf, name)} runs code that the model writes, which this worker does "
                    "not allow. The leaderboard's owner has to set CONFIRM_RUN_UNSAFE_CODE to True or remove "
                    "the task; the model is not at fault.",
                    End.WORKER,
                )


def check_overlaps(suite: Suite, index: TaskManager) -> None:
    """Raise `Failed` if the suite names a task twice, since only one of its two scores would be published."""
    for sentence in overlaps(suite, index):
        raise Failed(
            f"{sentence} The leaderboard's owner has to do this; the model is not at fault.", End.WORKER
        )


def index_for(names: Sequence[str], tasks_dir: str, metadata: Arguments | None = None) -> TaskManager:
    """Return an index of task files that contains all of these tasks that exist.

    Reading lm_eval's whole collection takes ten seconds. For single tasks, the folders named like them are
    enough. The tasks of one of lm_eval's groups or tags may be anywhere. `metadata` is for tasks that make
    their own questions.
    """
    if ready := _ready.get((tuple(names), tasks_dir, stamp(tasks_dir))):
        return ready
    index = partial(TaskManager, metadata=dict(metadata or {}))
    own = index(include_path=[tasks_dir], include_defaults=False)
    if all(leaf.is_found for name in names for leaf in leaves(name, own)):
        return own
    folders = sorted({str(folder) for name in names for folder in folders_named_like(name)})
    near = index(include_path=[*folders, tasks_dir], include_defaults=False)
    if are_single_tasks(names, near):
        return near
    sought = [name for name in names if may_be_elsewhere(name, own, near)]
    if not sought:
        return near
    log.info("looking for %s in lm_eval's whole collection", ", ".join(sought))
    return index(include_path=[tasks_dir])


def may_be_elsewhere(name: str, own: TaskManager, near: TaskManager) -> bool:
    """Return whether only lm_eval's whole collection shows what a name stands for.

    A name that none of its files mentions does not exist, which is quick to check.
    """
    if name in near.all_subtasks:
        return False
    if name in own.task_index and is_group(own.task_index[name]):
        return any(is_mentioned(leaf.name) for leaf in leaves(name, own) if not leaf.is_found)
    return is_mentioned(name)


@cache
def is_mentioned(name: str) -> bool:
    """Return whether a file of lm_eval's collection contains this word."""
    word = name.encode()
    return any(word in file.read_bytes() for file in files_of_the_collection())


@cache
def files_of_the_collection() -> tuple[Path, ...]:
    """Return all files that may name a task, group or tag. Included files have no suffix."""
    return tuple(file for file in COLLECTION.rglob("*") if file.suffix in ("", ".yaml") and file.is_file())


def are_single_tasks(names: Sequence[str], index: TaskManager) -> bool:
    """Return whether each name is that of a single task in the index."""
    return set(names) <= set(index.all_subtasks)


def folders_named_like(task: str) -> Iterator[Path]:
    """Yield lm_eval's folder with the longest prefix of a task's name, such as `arc` for `arc_challenge`."""
    words = task.split("_")
    for count in range(len(words), 0, -1):
        folder = COLLECTION / "_".join(words[:count])
        if folder.is_dir():
            yield folder
            return

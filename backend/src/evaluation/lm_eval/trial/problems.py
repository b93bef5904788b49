"""What prevents a configured task from being evaluated, for the owner, before the first evaluation fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import datasets
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

from src.evaluation.errors import ANY_ERROR, causes
from src.evaluation.lm_eval.tasks.configs import Leaf, leaves, named
from src.evaluation.lm_eval.tasks.tasks import COLLECTION
from src.evaluation.lm_eval.trial.faults import CORRECT_THE_PATH
from src.evaluation.lm_eval.trial.own_code import misnamed_code

log = logging.getLogger(__name__)


def problems(
    name: str,
    tasks: TaskManager,
    *,
    confirm_run_unsafe_code: bool = False,
    is_tried: bool = False,
    unreadable: Collection[str] = (),
) -> Iterator[str]:
    """Yield a sentence for each kind of problem that a task, or a task of a group, has.

    With `is_tried`, leave out what the trial finds: whether a task can be loaded and its questions fetched.
    Leave out `unreadable` tasks too, since their files have their own sentences.
    """
    left_out: list[Callable[[Leaf], str | None]] = [runs_the_models_code] if confirm_run_unsafe_code else []
    left_out += [lacks_its_questions, needs_the_hub, names_no_code, fails_to_load] if is_tried else []
    rules = [rule for rule in PROBLEMS if rule not in left_out]
    reported = set()
    for leaf in leaves(name, tasks):
        if leaf.name in unreadable:
            continue
        found = next(((rule, sentence) for rule in rules if (sentence := rule(leaf))), None)
        if found and found[0] not in reported:
            reported.add(found[0])
            remedy = _correct_its_name(leaf, name, tasks) if found[0] is is_nowhere else ""
            yield f"The task {named(leaf, name)} {found[1]}{remedy}"


def is_nowhere(leaf: Leaf) -> str | None:
    """Check that the task exists. Its name may be mistyped, or unknown to this version of lm_eval."""
    if leaf.is_found:
        return None
    return f"is neither in this leaderboard's tasks folder nor in lm_eval {version('lm_eval')}: "


def _correct_its_name(leaf: Leaf, name: str, tasks: TaskManager) -> str:
    """Return what to do about a task that does not exist, and where."""
    where = "TASKS_HARNESS" if leaf.name == name else f"the file of {name}"
    return f"correct its name in {where}, or add its file.{did_you_mean(leaf.name, tasks)}"


def did_you_mean(name: str, tasks: TaskManager) -> str:
    """Return a sentence that names a task with a similar name; empty if there is none."""
    known = {*tasks.task_index, *names_of_files()}
    close = get_close_matches(name, sorted(known), 1, cutoff=0.75)
    return f" Did you mean {close[0]}?" if close else ""


@lru_cache
def names_of_files() -> frozenset[str]:
    """Return the names of the files in lm_eval's collection. Nearly all are names of tasks."""
    return frozenset(file.stem for file in COLLECTION.rglob("*.yaml"))


def runs_the_models_code(leaf: Leaf) -> str | None:
    """Check for code written by models, which is run only if the owner allows it."""
    if not leaf.runs_the_models_code:
        return None
    return (
        "runs code that models write (`unsafe_code`), which this worker does not allow: set "
        "CONFIRM_RUN_UNSAFE_CODE to True, or remove the task from TASKS_HARNESS."
    )


def lacks_its_questions(leaf: Leaf) -> str | None:
    """Check that the files of questions exist."""
    missing = next(leaf.missing_files, None)
    return (
        missing
        and f"names a file of questions that does not exist, {Path(missing).name}: {CORRECT_THE_PATH}."
    )


def needs_the_hub(leaf: Leaf) -> str | None:
    """Check for questions on the Hub when the worker is offline."""
    if not leaf.datasets or not datasets.config.HF_HUB_OFFLINE:
        return None
    return (
        f"reads its questions from {leaf.datasets[0]}, but this worker is offline: unset HF_HUB_OFFLINE and "
        "HF_DATASETS_OFFLINE, unless the questions are in its cache."
    )


def needs_a_package(leaf: Leaf) -> str | None:
    """Check that the packages are installed that the task's Python functions import."""
    error = _error_of_loading(leaf)
    if not isinstance(error, ImportError) or names_no_code(leaf):
        return None
    missing = [each.name for each in causes(error) if isinstance(each, ImportError) and each.name]
    package = f" ({missing[-1]})" if missing else ""
    return (
        f"needs a Python package that this worker does not have{package}: add it to the backend's "
        "requirements.txt."
    )


def names_no_code(leaf: Leaf) -> str | None:
    """Check that the files and functions exist that the task's file names."""
    fault = next(misnamed_code(leaf), None)
    return f"{fault.what} (`{fault.field}`): {fault.do}." if fault else None


def fails_to_load(leaf: Leaf) -> str | None:
    """Check that the Python code beside a task file can be imported."""
    error = _error_of_loading(leaf)
    if error is None or isinstance(error, ImportError):
        return None
    return f"cannot be loaded ({type(error).__name__}): see the backend's log."


def _error_of_loading(leaf: Leaf) -> BaseException | None:
    if leaf.file is None:
        return None
    try:
        load_yaml(leaf.file)
    except ANY_ERROR as error:
        log.warning("cannot load the task %s", leaf.name, exc_info=True)
        return error
    return None


PROBLEMS: list[Callable[[Leaf], str | None]] = [
    is_nowhere,
    runs_the_models_code,
    lacks_its_questions,
    needs_the_hub,
    names_no_code,
    needs_a_package,
    fails_to_load,
]

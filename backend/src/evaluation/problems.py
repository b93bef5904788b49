"""What keeps a configured task from being evaluated, told to the owner before the first evaluation fails."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import datasets
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

from src.evaluation.configs import Leaf, leaves, named
from src.evaluation.failures import causes

log = logging.getLogger(__name__)


def problems(name: str, tasks: TaskManager, *, confirm_run_unsafe_code: bool = False) -> Iterator[str]:
    """A sentence for each kind of problem that a task, or a task of a group, has."""
    allowed = {runs_the_models_code} if confirm_run_unsafe_code else set()
    rules = [rule for rule in PROBLEMS if rule not in allowed]
    told = set()
    for leaf in leaves(name, tasks):
        found = next(((rule, sentence) for rule in rules if (sentence := rule(leaf))), None)
        if found and found[0] not in told:
            told.add(found[0])
            yield f"The task {named(leaf, name)} {found[1]}"


def is_nowhere(leaf: Leaf) -> str | None:
    """A name that was mistyped, or is not in this version of lm_eval."""
    if leaf.is_found:
        return None
    return (
        f"is neither in this leaderboard's tasks folder nor in lm_eval {version('lm_eval')}: correct its "
        "name in TASKS_HARNESS, or add its file."
    )


def runs_the_models_code(leaf: Leaf) -> str | None:
    """What a stranger's model writes is executed only if the owner says so."""
    if not leaf.runs_the_models_code:
        return None
    return (
        "runs code that models write (`unsafe_code`), which this worker may not do: set "
        "CONFIRM_RUN_UNSAFE_CODE to True to allow it, or take the task out of TASKS_HARNESS."
    )


def lacks_its_questions(leaf: Leaf) -> str | None:
    """Files of questions that are not where the task says."""
    missing = [file for file in leaf.local_files if not Path(file).exists()]
    if not missing:
        return None
    return (
        f"names a file of questions that is not there, {Path(missing[0]).name}: correct its path, which "
        "starts from the backend's folder."
    )


def needs_the_hub(leaf: Leaf) -> str | None:
    """Questions on the Hub, when the worker was told to stay away from it."""
    if not leaf.datasets or not datasets.config.HF_HUB_OFFLINE:
        return None
    return (
        f"reads its questions from {leaf.datasets[0]}, and this worker is kept offline: unset "
        "HF_HUB_OFFLINE and HF_DATASETS_OFFLINE, unless the questions lie in its cache."
    )


def does_not_load(leaf: Leaf) -> str | None:
    """Python functions that a task file names are imported: some need packages that are not installed."""
    if leaf.file is None:
        return None
    try:
        load_yaml(leaf.file)
    except ImportError as error:
        log.warning("cannot load the task %s", leaf.name, exc_info=True)
        missing = [each.name for each in causes(error) if isinstance(each, ImportError) and each.name]
        package = f" ({missing[-1]})" if missing else ""
        return (
            f"needs a Python package that this worker does not have{package}: add it to the backend's "
            "requirements.txt."
        )
    except (
        AssertionError,
        AttributeError,
        LookupError,
        OSError,
        SyntaxError,
        TypeError,
        ValueError,
    ) as error:
        log.warning("cannot load the task %s", leaf.name, exc_info=True)
        return f"cannot be loaded ({type(error).__name__}): the backend's log says more."
    return None


PROBLEMS = [is_nowhere, runs_the_models_code, lacks_its_questions, needs_the_hub, does_not_load]

"""Tries the suite before it is used: every task is built, and some of its questions are asked and scored.

A stand-in answers, so no model is needed. Whatever fails here would fail for every model, so it is reported
to the owner.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace

from lm_eval.tasks import TaskManager

from src.evaluation.errors import ANY_ERROR, last_line
from src.evaluation.lm_eval.description import describe
from src.evaluation.lm_eval.tasks.configs import leaves
from src.evaluation.lm_eval.tasks.names import name_problems
from src.evaluation.lm_eval.tasks.task_yaml import Broken, broken_files, names_in
from src.evaluation.lm_eval.tasks.tasks import index_for
from src.evaluation.lm_eval.trial.one_name import try_task
from src.evaluation.lm_eval.trial.problems import problems as problems_of_the_files
from src.evaluation.lm_eval.trial.sentences import place_text, sentences, without_folders
from src.evaluation.lm_eval.trial.suite_settings import faults_in_the_suite
from src.evaluation.own_tasks import include_path, with_examples
from src.evaluation.progress import OnProgress
from src.running.job import Progress, Trial
from src.running.suite import Suite
from src.shared.data.backend_description import BackendDescription, Example

log = logging.getLogger(__name__)


def try_suite(suite: Suite, on_progress: OnProgress) -> Trial:
    """Describe the suite and try it, reporting progress. Every error becomes a problem."""
    total = len(suite.tasks)
    on_progress(Progress("looking for the tasks", 0, total))
    index, description, problems = look_up(suite)
    problems += faults_in_the_suite(suite, index) if index else []
    unanswered: list[str] = []
    examples: dict[str, Example] = {}
    for number, name in enumerate(suite.tasks if index else ()):
        assert index
        on_progress(Progress(name, number, total))
        try:
            if any(problems_of(name, suite, index)):
                continue
            log.info("trying the task %s", name)
            tried = try_task(name, suite, index)
            problems += sentences(name, tried.faults, suite)
            unanswered += [name] if tried.is_unanswered else []
            examples |= dict(tried.examples)
        except ANY_ERROR as error:
            problems.append(unforeseen(f"The task {name}", error))
    on_progress(Progress("", total, total))
    shown = tuple(without_folders(each, suite) for each in dict.fromkeys(problems))
    return Trial(
        description=with_examples(replace(description, problems=shown), examples),
        unanswered=tuple(unanswered),
    )


def look_up(suite: Suite) -> tuple[TaskManager | None, BackendDescription, list[str]]:
    """Find the suite's tasks: an index of them, a description, and the problems that show already.

    There is no index if the files keep lm_eval from making one.
    """
    problems: list[str] = []
    try:
        broken = list(broken_files(suite.tasks_dir))
        index = index_for(suite.tasks, suite.tasks_dir, suite.metadata)
    except ANY_ERROR as error:
        problems += name_problems(suite, None)
        problems = problems or [unforeseen(f"The tasks folder {include_path(suite)}", error)]
        nothing = TaskManager(include_defaults=False)
        return None, describe(replace(suite, tasks=()), nothing, is_tried=True), problems
    unknown = names_in(broken)
    try:
        description = describe(suite, index, is_tried=True, unreadable=unknown)
        problems += [*description.problems, *unreadable(suite, index, broken), *name_problems(suite, index)]
        return index, description, problems
    except ANY_ERROR as error:
        failure = error
        log.warning("the suite cannot be described", exc_info=error)
    for name in suite.tasks:
        try:
            alone = describe(replace(suite, tasks=(name,)), index, is_tried=True, unreadable=unknown)
            problems += alone.problems
        except ANY_ERROR as error:
            problems.append(unforeseen(f"The task {name}", error))
    problems = problems or [unforeseen("The suite", failure)]
    return index, describe(replace(suite, tasks=()), index, is_tried=True), problems


def unforeseen(subject: str, error: BaseException) -> str:
    """Return the problem that an error is which no rule knows."""
    log.warning("%s failed when it was tried", subject, exc_info=error)
    return f"{subject} cannot be tried ({last_line(error)}): correct its files. The backend's log says more."


def problems_of(name: str, suite: Suite, index: TaskManager) -> Iterator[str]:
    """Yield the problems that a task's files show. A task with such a problem is not tried."""
    return problems_of_the_files(
        name, index, confirm_run_unsafe_code=suite.confirm_run_unsafe_code, is_tried=True
    )


def unreadable(suite: Suite, index: TaskManager, files: Iterable[Broken]) -> Iterator[str]:
    """Yield a sentence for each of the owner's files that lm_eval cannot read and the suite may need."""
    wanted_names = {name.encode() for name in suite.tasks}
    wanted_names |= {leaf.name.encode() for name in suite.tasks for leaf in leaves(name, index)}
    for broken in files:
        sentence = (
            f"The task file {place_text(broken.place, suite)} cannot be used: {broken.reason}. Correct it."
        )
        if _concerns(broken, wanted_names):
            yield sentence
        else:
            log.warning("%s No task of the suite needs it.", sentence)


def _concerns(broken: Broken, names: Iterable[bytes]) -> bool:
    try:
        text = broken.place.file.read_bytes()
    except OSError:
        return True
    return any(name in text or name == broken.place.file.stem.encode() for name in names)

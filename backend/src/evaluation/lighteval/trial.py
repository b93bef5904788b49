"""Tries the suite before it is used: every task is built, and some of its questions are asked and scored.

Whatever fails here would fail for every model, so it is reported to the owner.
"""

from __future__ import annotations

import logging
import math
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import datasets
from lighteval.pipeline import Pipeline
from lighteval.tasks.lighteval_task import LightevalTask

from src.evaluation.errors import ANY_ERROR, causes, last_line, not_answered, not_fetched
from src.evaluation.lighteval.building import build
from src.evaluation.lighteval.description import describe, problems_of
from src.evaluation.lighteval.questions import wrong_question
from src.evaluation.lighteval.stand_in import stand_in
from src.evaluation.lighteval.tasks import (
    Tasks,
    find_tasks,
    name_of,
    place_in,
    published_path,
    without_folders,
)
from src.evaluation.own_tasks import shortened, with_examples
from src.evaluation.progress import OnProgress
from src.running.job import Progress, Trial
from src.running.suite import Suite
from src.shared.data.backend_description import BackendDescription, Example
from src.shared.data.benchmark import SEPARATOR

log = logging.getLogger(__name__)

QUESTIONS = 3
"""How many questions of each task are asked and scored."""

MOST_TO_WRITE = 8
"""How many tokens the stand-in writes at most. What it writes has no meaning."""


def try_suite(suite: Suite, on_progress: OnProgress) -> Trial:
    """Describe the suite and try it, reporting progress. Every error becomes a problem."""
    total = len(suite.tasks)
    on_progress(Progress("looking for the tasks", 0, total))
    tasks = find_tasks(suite)
    description = describe(suite, tasks)
    problems = list(description.problems)
    unanswered: list[str] = []
    examples: dict[str, Example] = {}
    for number, entry in enumerate(suite.tasks):
        on_progress(Progress(entry, number, total))
        if any(problems_of(name_of(entry), suite, tasks)) or tasks.missing(name_of(entry)):
            continue
        log.info("trying the task %s", entry)
        trial = _NameTrial(entry, suite, tasks)
        try:
            problems += trial.problems()
            examples |= {entry: trial.example} if suite.publish_examples and trial.example else {}
        except ANY_ERROR as error:
            log.warning("the task %s failed when it was tried", entry, exc_info=error)
            if (not_answered(error) or not_fetched(error)) and not datasets.config.HF_HUB_OFFLINE:
                unanswered.append(entry)
            else:
                problems.append(trial.explained(error))
    on_progress(Progress("", total, total))
    return _trial(with_examples(description, examples), problems, unanswered, suite)


def _trial(
    description: BackendDescription, problems: list[str], unanswered: list[str], suite: Suite
) -> Trial:
    shown = tuple(dict.fromkeys(without_folders(each, suite) for each in problems))
    return Trial(description=replace(description, problems=shown), unanswered=tuple(unanswered))


class _NameTrial:
    """The trial of one name of the suite: a task, or all subsets of one."""

    def __init__(self, entry: str, suite: Suite, tasks: Tasks) -> None:
        self._entry = entry
        self._suite = suite
        self._tasks = tasks
        self._doing = entry
        """The task that is tried at the moment."""
        self.example: Example | None = None
        """A question of its first task."""

    def problems(self) -> Iterator[str]:
        """Yield the problems of its tasks. Lets every error through."""
        name, _, shots = self._entry.partition(SEPARATOR)
        for part in self._tasks.parts(name):
            self._doing = f"{part}{SEPARATOR}{shots}"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # three answers are few for some metrics
                yield from self._problems_of(self._doing)

    def _problems_of(self, key: str) -> Iterator[str]:
        model = stand_in(self._suite)
        pipeline = build(key, self._tasks, model, max_samples=QUESTIONS, bootstrap_iters=0)
        task: LightevalTask = pipeline.tasks_dict[key]
        if wrong := wrong_question(task):
            yield f"The task {name_of(key)} {wrong} ({self._file}): correct it."
            return
        if not _has_enough_examples(task):
            yield (
                f"The task {name_of(key)} has fewer examples than {key} asks for: lower the number in "
                "TASKS_LIGHTEVAL."
            )
            return
        doc = pipeline.documents_dict[key][0]
        self.example = self.example or shortened(
            model.prompt_manager.prepare_prompt(doc), doc.get_golds()[0] if doc.choices else ""
        )
        _write_less(pipeline)
        pipeline.evaluate()
        scores = pipeline.evaluation_tracker.metrics_logger.metric_aggregated.get(key, {})
        if not any(math.isfinite(value) for value in scores.values()):
            yield f"The task {name_of(key)} has no score ({self._file}): correct its metrics."

    @property
    def _file(self) -> str:
        return published_path(self._tasks.files[name_of(self._doing)], self._suite)

    def explained(self, error: BaseException) -> str:
        """Return the problem that an error shows: what failed, where, and what to do."""
        name, (*_, first) = name_of(self._doing), causes(error)
        config, file = self._tasks.configs[name], self._tasks.files[name]
        if datasets.config.HF_HUB_OFFLINE and not Path(config.hf_repo).exists():
            return (
                f"The task {name} reads its questions from {config.hf_repo}, but this worker is offline: "
                "unset HF_HUB_OFFLINE and HF_DATASETS_OFFLINE, unless the questions are in its cache."
            )
        place = place_in(file, first, self._suite)
        at = f"{row}, {place}" if (row := _row_of(error)) else place
        return f"The task {name} cannot be evaluated ({last_line(first)}; {at}): correct it."


def _has_enough_examples(task: LightevalTask) -> bool:
    """Return whether questions get as many examples as asked for. lighteval silently takes fewer."""
    shots = task.config.num_fewshots
    return not shots or all(len(doc.fewshot_samples) == shots for doc in task.eval_docs()[:QUESTIONS])


def _write_less(pipeline: Pipeline) -> None:
    for docs in pipeline.documents_dict.values():
        for doc in docs:
            doc.generation_size = min(doc.generation_size or MOST_TO_WRITE, MOST_TO_WRITE)


def _row_of(error: BaseException) -> str:
    """Return the question on which a task's prompt function failed; empty if it was something else."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "_get_docs_from_split" and "ix" in frame.f_locals:
            return f"question {frame.f_locals['ix'] + 1} of the split {frame.f_locals['split']}"
    return ""

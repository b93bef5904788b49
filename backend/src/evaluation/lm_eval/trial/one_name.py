"""Tries one name of the suite: a task, or all tasks of a group or tag."""

from __future__ import annotations

import logging
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import datasets
from lm_eval import evaluate
from lm_eval.api.task import ConfigurableTask
from lm_eval.tasks import TaskManager

from src.evaluation.errors import Matches, not_answered, not_fetched
from src.evaluation.lm_eval.tasks.built_rows import wrong_answers
from src.evaluation.lm_eval.tasks.configs import Leaf, is_group, leaves
from src.evaluation.lm_eval.tasks.own_rows import BadRow, broken_lines, empty_file, odd_rows, read_lines
from src.evaluation.lm_eval.tasks.task_yaml import Place
from src.evaluation.lm_eval.trial import blame
from src.evaluation.lm_eval.trial.built_tasks import (
    set_fewshot,
    too_many_examples,
    unknown_metrics,
    unused_metrics,
)
from src.evaluation.lm_eval.trial.examples import example_of
from src.evaluation.lm_eval.trial.faults import Explained, Fault
from src.evaluation.lm_eval.trial.groups import faults_in_groups
from src.evaluation.lm_eval.trial.own_code import misnamed_code, process_docs_fault
from src.evaluation.lm_eval.trial.problems import needs_the_hub
from src.evaluation.lm_eval.trial.scores import Scores, faults_of_a_group, has_a_score, no_score, scores_of
from src.evaluation.lm_eval.trial.settings import faults_in_the_file, plain_words
from src.evaluation.lm_eval.trial.stand_in import StandIn
from src.running.suite import Suite
from src.shared.data.backend_description import Example

log = logging.getLogger(__name__)

QUESTIONS = 3
"""How many questions of each task are asked and scored."""

MORE_QUESTIONS = 200
"""Questions that are scored if the first few give no score: some metrics have none for so few."""

DID_NOT_ANSWER: tuple[Matches, ...] = (not_answered, not_fetched)


class Tried(NamedTuple):
    """The outcome of one name in the suite."""

    faults: Sequence[Explained] = ()
    is_unanswered: bool = False
    """Whether its questions could not be fetched, because a site did not answer."""
    examples: Sequence[tuple[str, Example]] = ()
    """Questions to publish, by task."""


def try_task(name: str, suite: Suite, index: TaskManager) -> Tried:
    """Try one name of the suite: a task, or all tasks of a group or tag."""
    folder = Path(suite.tasks_dir)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three answers are few for some metrics
        if faults := list(faults_in_groups(name, index, folder)):
            return Tried(faults)
        parts = list(leaves(name, index))
        if faults := [(leaf, fault) for leaf in parts for fault in before_building(leaf)]:
            return Tried(faults)
        trial = _NameTrial(name, suite, index)
        try:
            return trial.whole(parts)
        except Exception as error:
            log.warning("the task %s failed when it was tried", name, exc_info=error)
            return trial.by_parts(parts, error)


def before_building(leaf: Leaf) -> list[Fault]:
    """Return the faults in a task's file and questions that show before lm_eval reads them."""
    if (missing := next(leaf.missing_files, None)) is not None:
        return [blame.missing_file(leaf, missing)]
    if rows := list(broken_lines(leaf)):
        return [blame.fault_of_row(row) for row in rows]
    if (empty := empty_file(leaf)) is not None:
        return [blame.empty_file(leaf, empty)]
    return [*faults_in_the_file(leaf), *misnamed_code(leaf), *map(blame.fault_of_row, odd_rows(leaf))]


@dataclass(frozen=True)
class _NameTrial:
    """The trial of one name."""

    name: str
    suite: Suite
    index: TaskManager

    @property
    def folder(self) -> Path:
        return Path(self.suite.tasks_dir)

    def whole(self, parts: Sequence[Leaf]) -> Tried:
        """Try it as it will be evaluated. Lets every error through."""
        loaded = self.index.load([self.name])
        known = {leaf.name: leaf for leaf in parts}
        built = [
            (key, known.get(key.rpartition("::")[2], parts[0]), task) for key, task in loaded["tasks"].items()
        ]
        faults = [(leaf, fault) for _, leaf, task in built for fault in self.after_building(leaf, task)]
        if faults:
            return Tried(faults)
        runs = ask(loaded)
        for key, leaf, task in built:
            faults += [(leaf, fault) for fault in unused_metrics(leaf, task)]
            if leaf.is_in(self.folder) and not has_a_score(key, runs):
                runs += ask(loaded, MORE_QUESTIONS)
                if not has_a_score(key, runs):
                    faults.append((leaf, no_score(leaf, key, runs)))
        faults += [] if faults else self.of_its_groups(loaded.get("groups", {}), runs[-1])
        return Tried(faults, examples=list(self.examples(loaded["tasks"])))

    def of_its_groups(self, groups: Mapping[str, Any], scores: Scores) -> Iterator[Explained]:
        """Yield the faults of the metrics that the owner's groups aggregate."""
        for name, group in groups.items():
            entry = self.index.task_index.get(name)
            leaf = Leaf(name, entry.cfg, entry.yaml_path) if entry and entry.cfg else None
            if leaf and leaf.is_in(self.folder):
                tasks = [each.task_name for each in group.get_all_tasks()]
                for fault in faults_of_a_group(leaf, tasks, scores):
                    yield leaf, fault

    def examples(self, tasks: dict[str, Any]) -> Iterator[tuple[str, Example]]:
        """Yield a question of each task. A group gets the question of its first task."""
        for number, (key, task) in enumerate(tasks.items() if self.suite.publish_examples else ()):
            example = example_of(task)
            yield key, example
            if number == 0 and key != self.name:
                yield self.name, example

    def by_parts(self, parts: Sequence[Leaf], error: Exception) -> Tried:
        """Try each part separately, to find out which one failed."""
        if is_unanswered(error) and not datasets.config.HF_HUB_OFFLINE:
            return Tried(is_unanswered=True)
        faults: list[Explained] = []
        for leaf in parts:
            try:
                if len(parts) > 1 or self._is_group:
                    self.try_part(leaf)
                else:
                    raise error
            except Exception as failure:
                log.warning("%s failed when it was tried separately", leaf.name, exc_info=failure)
                if is_unanswered(failure) and not datasets.config.HF_HUB_OFFLINE:
                    return Tried(faults, is_unanswered=True)
                faults.append((leaf, self.explained(failure, leaf)))
        return Tried(faults or [(self._itself(), blame.explained(error, self._itself(), self.folder))])

    @property
    def _is_group(self) -> bool:
        return is_group(self.index.task_index[self.name])

    def _itself(self) -> Leaf:
        entry = self.index.task_index[self.name]
        return Leaf(self.name, entry.cfg or {}, entry.yaml_path)

    def try_part(self, leaf: Leaf) -> None:
        """Try one part, with the settings that its group changes."""
        entry = self.index.task_index.get(leaf.name)
        own = entry.cfg if entry and entry.cfg else {}
        changes = {key: value for key, value in leaf.config.items() if own.get(key, self) != value}
        loaded = self.index.load([{**changes, "task": leaf.name}] if changes else [leaf.name])
        for task in loaded["tasks"].values():
            set_fewshot(task, self.suite.fewshot(self.name))
        ask(loaded)

    def explained(self, error: Exception, leaf: Leaf) -> Fault:
        if is_unanswered(error) and (sentence := needs_the_hub(leaf)):
            what, _, do = sentence.partition(": ")
            return Fault(what, Place(leaf.file) if leaf.file else None, "dataset_path", do.rstrip("."))
        if (fault := process_docs_fault(error, leaf)) is not None:
            return fault
        if (row := wrong_answer_of(error, leaf)) is not None:
            return blame.fault_of_row(row)
        return blame.explained(error, leaf, self.folder, features_of(leaf))

    def after_building(self, leaf: Leaf, task: Any) -> Iterator[Fault]:
        """Yield the faults that a built task shows before its questions are asked."""
        set_fewshot(task, self.suite.fewshot(self.name))
        yield from too_many_examples(self.name, leaf, task, self.suite)
        yield from unknown_metrics(leaf, task)
        if leaf.is_in(self.folder):
            words = list(plain_words(leaf, getattr(task, "features", ())))
            yield from words or map(blame.fault_of_row, wrong_answers(task, leaf))


def ask(loaded: Any, questions: int = QUESTIONS) -> list[Scores]:
    """Have the stand-in answer a few questions of the tasks; return the scores, of right answers as well."""
    model = StandIn(loaded["tasks"])
    is_written = any(
        getattr(task, "OUTPUT_TYPE", "") == "generate_until" for task in loaded["tasks"].values()
    )
    runs = []
    for is_right in (False, True) if is_written else (False,):
        model.is_right = is_right
        results = evaluate(
            lm=model, task_dict=loaded, limit=questions, bootstrap_iters=0, confirm_run_unsafe_code=True
        )
        runs.append(scores_of(results))
    return runs


def is_unanswered(error: BaseException) -> bool:
    """Return whether the Hub or another site failed, and not the task."""
    return any(matches(error) for matches in DID_NOT_ANSWER)


def wrong_answer_of(error: BaseException, leaf: Leaf) -> BadRow | None:
    """Return the row on which lm_eval failed while building the task. It reads only the first one then."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        task = frame.f_locals.get("self")
        if isinstance(task, ConfigurableTask):
            with suppress(Exception):  # the task is only partly built
                return next(wrong_answers(task, leaf), None)
    return None


def features_of(leaf: Leaf) -> Sequence[str]:
    """Return the fields of the questions in a task's own files."""
    for file in leaf.local_files:
        try:
            if lines := read_lines(Path(file)):
                return sorted({key for line in lines for key in line.row})
        except ValueError:
            continue
    return ()

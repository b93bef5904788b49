"""Tries the suite before it is used: every task is built, and some of its questions are asked and scored.

A stand-in answers, so no model is needed. Whatever fails here would fail for every model, so it is reported
to the owner.
"""

from __future__ import annotations

import logging
import sys
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import datasets
from lm_eval import evaluate
from lm_eval.api.task import ConfigurableTask
from lm_eval.tasks import TaskManager

from src.evaluation.errors import ANY_ERROR, Matches, last_line, not_answered, not_fetched
from src.evaluation.lm_eval.description import describe, published_path
from src.evaluation.lm_eval.tasks.built_rows import wrong_answers
from src.evaluation.lm_eval.tasks.configs import Leaf, is_group, leaves, named
from src.evaluation.lm_eval.tasks.names import name_problems
from src.evaluation.lm_eval.tasks.own_rows import BadRow, broken_lines, empty_file, odd_rows, read_lines
from src.evaluation.lm_eval.tasks.task_yaml import Broken, Place, broken_files, names_in
from src.evaluation.lm_eval.tasks.tasks import index_for
from src.evaluation.lm_eval.trial import blame
from src.evaluation.lm_eval.trial.built_tasks import (
    set_fewshot,
    too_many_examples,
    unknown_metrics,
    unused_metrics,
)
from src.evaluation.lm_eval.trial.examples import example_of
from src.evaluation.lm_eval.trial.faults import Fault
from src.evaluation.lm_eval.trial.groups import faults_in_groups
from src.evaluation.lm_eval.trial.own_code import misnamed_code, process_docs_fault
from src.evaluation.lm_eval.trial.problems import needs_the_hub
from src.evaluation.lm_eval.trial.problems import problems as problems_of_the_files
from src.evaluation.lm_eval.trial.scores import Scores, faults_of_a_group, has_a_score, no_score, scores_of
from src.evaluation.lm_eval.trial.settings import faults_in_the_file, plain_words
from src.evaluation.lm_eval.trial.stand_in import StandIn
from src.evaluation.lm_eval.trial.suite_settings import faults_in_the_suite
from src.evaluation.own_tasks import include_path, with_examples
from src.evaluation.progress import OnProgress
from src.running.job import Progress, Trial
from src.running.suite import Suite
from src.shared.data.backend_description import BackendDescription, Example

log = logging.getLogger(__name__)

QUESTIONS = 3
"""How many questions of each task are asked and scored."""

MORE_QUESTIONS = 200
"""Questions that are scored if the first few give no score: some metrics have none for so few."""

Explained = tuple[Leaf, Fault]

DID_NOT_ANSWER: tuple[Matches, ...] = (not_answered, not_fetched)


class Tried(NamedTuple):
    """The outcome of one name in the suite."""

    faults: Sequence[Explained] = ()
    is_unanswered: bool = False
    """Whether its questions could not be fetched, because a site did not answer."""
    examples: Sequence[tuple[str, Example]] = ()
    """Questions to publish, by task."""


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


def sentences(name: str, faults: Sequence[Explained], suite: Suite) -> list[str]:
    """Return a sentence for each fault of one name. A fault that several tasks share appears once."""
    found: dict[tuple[str, Place | None], str] = {}
    for leaf, fault in faults:
        place = place_text(fault.place, suite)
        where = ", ".join(filter(None, [place, f"`{fault.field}`" if fault.field else ""]))
        kind = "group" if "group" in leaf.config else "task"
        sentence = f"The {kind} {named(leaf, name)} {fault.what}{f' ({where})' if where else ''}: {fault.do}."
        found.setdefault((fault.what, fault.place), sentence)
    return list(found.values())


def without_folders(sentence: str, suite: Suite) -> str:
    """Remove this machine's folders, which an error may have named, from a sentence."""
    tasks = Path(suite.tasks_dir).resolve()
    known = {f"{tasks}/": f"{include_path(suite)}/"}
    known |= {
        f"{folder}/": ""
        for folder in (Path.cwd(), sys.prefix, datasets.config.HF_CACHE_HOME, Path.home())
        if folder and str(folder) != "/"
    }
    for folder, name in known.items():
        sentence = sentence.replace(folder, name)
    return sentence


def place_text(place: Place | None, suite: Suite) -> str:
    """Return a file and line as the owner knows them, without this machine's folders."""
    if place is None:
        return ""
    line = f", line {place.line}" if place.line else ""
    return f"{shown_file(place.file, suite)}{line}"


def shown_file(file: Path, suite: Suite) -> str:
    """Return a file's path from the backend's folder or lm_eval's, or only its name if it is elsewhere."""
    if known := published_path(file, suite):
        return known
    here = Path.cwd()
    return file.resolve().relative_to(here).as_posix() if file.resolve().is_relative_to(here) else file.name

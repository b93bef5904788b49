"""Tries the suite before it is used: every task is built, and some of its questions are asked and scored.

A stand-in answers, so no model is needed. Whatever fails here would fail for every model, so it is reported
to the owner.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import evaluate as metrics_of_the_hub  # type: ignore[import-untyped]
from huggingface_hub import repo_exists
from lm_eval import evaluate
from lm_eval.api.registry import metric_registry
from lm_eval.api.task import ConfigurableTask
from lm_eval.tasks import TaskManager

from src.evaluation.description import describe, include_path, published_path
from src.evaluation.failures import Matches, not_answered, not_fetched
from src.evaluation.tasks.built_rows import wrong_answers
from src.evaluation.tasks.configs import Leaf, is_group, leaves, named
from src.evaluation.tasks.own_rows import BadRow, broken_lines, empty_file, odd_rows, read_lines
from src.evaluation.tasks.task_yaml import Broken, Place, broken_files, names_in, place_of
from src.evaluation.tasks.tasks import index_for
from src.evaluation.trial import blame
from src.evaluation.trial.faults import Fault, cut
from src.evaluation.trial.problems import needs_the_hub
from src.evaluation.trial.problems import problems as problems_of_the_files
from src.evaluation.trial.settings import faults_in_the_file, plain_words
from src.evaluation.trial.stand_in import StandIn, wanted
from src.running.job import Progress, Trial
from src.running.suite import Suite
from src.shared.data.backend_description import BackendDescription, Example, TaskDescription

log = logging.getLogger(__name__)

QUESTIONS = 3
"""How many questions of each task are asked and scored."""

SEED = 1234
"""lm_eval's seed for choosing examples."""

LONGEST_EXAMPLE = 1_500
"""The most characters of a published question, counted from its end. Its answer may have a fifth of that."""

MOST_COMPARED = 20_000
"""Do not look for duplicates among more examples than this."""

OnProgress = Callable[[Progress], None]

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
    """Describe the suite and try it, reporting progress. Errors of tasks become problems."""
    total = len(suite.tasks)
    on_progress(Progress("looking for the tasks", 0, total))
    index = index_for(suite.tasks, suite.tasks_dir)
    broken = list(broken_files(suite.tasks_dir))
    description = describe(suite, index, is_tried=True, unreadable=names_in(broken))
    problems = [*description.problems, *unreadable(suite, index, broken)]
    unanswered: list[str] = []
    examples: dict[str, Example] = {}
    for number, name in enumerate(suite.tasks):
        on_progress(Progress(name, number, total))
        if any(problems_of(name, suite, index)):
            continue
        log.info("trying the task %s", name)
        tried = try_task(name, suite, index)
        problems += sentences(name, tried.faults, suite)
        unanswered += [name] if tried.is_unanswered else []
        examples |= dict(tried.examples)
    on_progress(Progress("", total, total))
    return Trial(
        description=with_examples(
            replace(
                description, problems=tuple(without_folders(each, suite) for each in dict.fromkeys(problems))
            ),
            examples,
        ),
        unanswered=tuple(unanswered),
    )


def problems_of(name: str, suite: Suite, index: TaskManager) -> Iterator[str]:
    """Yield the problems that a task's files show. A task with such a problem is not tried."""
    return problems_of_the_files(
        name, index, confirm_run_unsafe_code=suite.confirm_run_unsafe_code, is_tried=True
    )


def try_task(name: str, suite: Suite, index: TaskManager) -> Tried:
    """Try one name of the suite: a task, or all tasks of a group or tag."""
    parts = list(leaves(name, index))
    if faults := [(leaf, fault) for leaf in parts for fault in before_building(leaf)]:
        return Tried(faults)
    trial = _NameTrial(name, suite, index)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three answers are few for some metrics
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
    return [*faults_in_the_file(leaf), *map(blame.fault_of_row, odd_rows(leaf))]


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
        faults: list[Explained] = []
        for key, task in loaded["tasks"].items():
            leaf = known.get(key.rpartition("::")[2], parts[0])
            faults += [(leaf, fault) for fault in self.after_building(leaf, task)]
        if faults:
            return Tried(faults)
        ask(loaded)
        faults += [
            (known[key], fault)
            for key, task in loaded["tasks"].items()
            if key in known
            for fault in unused_metrics(known[key], task)
        ]
        return Tried(faults, examples=list(self.examples(loaded["tasks"])))

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
        if (row := wrong_answer_of(error, leaf)) is not None:
            return blame.fault_of_row(row)
        return blame.explained(error, leaf, self.folder, features_of(leaf))

    def after_building(self, leaf: Leaf, task: Any) -> Iterator[Fault]:
        """Yield the faults that a built task shows before its questions are asked."""
        set_fewshot(task, self.suite.fewshot(self.name))
        yield from too_many_examples(self.name, leaf, task, self.suite)
        yield from unknown_metrics(leaf, task)
        if is_own(leaf, self.folder):
            words = list(plain_words(leaf, getattr(task, "features", ())))
            yield from words or map(blame.fault_of_row, wrong_answers(task, leaf))


def ask(loaded: Any) -> None:
    """Have the stand-in answer a few questions of the tasks, and score its answers."""
    model = StandIn(loaded["tasks"])
    evaluate(lm=model, task_dict=loaded, limit=QUESTIONS, bootstrap_iters=0, confirm_run_unsafe_code=True)
    if any(getattr(task, "OUTPUT_TYPE", "") == "generate_until" for task in loaded["tasks"].values()):
        model.is_right = True
        evaluate(lm=model, task_dict=loaded, limit=QUESTIONS, bootstrap_iters=0, confirm_run_unsafe_code=True)


def set_fewshot(task: Any, given: int | None) -> None:
    """Set the number of examples by lm_eval's rule: a 0 in the task's file takes precedence."""
    own = task.get_config("num_fewshot")
    if given is not None and own != 0:
        task.set_config(key="num_fewshot", value=given)
    elif own is None:
        task.set_config(key="num_fewshot", value=0)
    task.set_fewshot_seed(seed=SEED)


def too_many_examples(name: str, leaf: Leaf, task: Any, suite: Suite) -> Iterator[Fault]:
    """Check that the task has enough rows for its number of examples."""
    sampler, wants = getattr(task, "sampler", None), task.get_config("num_fewshot") or 0
    if sampler is None or not wants:
        return
    there = list(sampler.df)
    shown_to_itself = getattr(task.fewshot_cfg, "split", None) == task.get_config("test_split")
    left = len(there) - (most_alike(there) if shown_to_itself else 0)
    if wants <= left:
        return
    given = suite.fewshot(name)
    if given is None:
        place = place_of(leaf.file, "num_fewshot")
        yield Fault(
            f"asks for {wants} examples, but has only {left} to choose from", place, "num_fewshot", "lower it"
        )
    else:
        source = (
            f"{name}|{given} in TASKS_HARNESS" if name in suite.fewshot_by_task else f"NUM_FEWSHOT = {given}"
        )
        yield Fault(
            f"has only {left} examples to choose from, but {source} asks for {wants}",
            Place(leaf.file) if leaf.file else None,
            do="lower the number, or add examples",
        )


def most_alike(rows: Sequence[Any]) -> int:
    """Return the size of the largest set of equal rows. None of them is an example for its own question."""
    if len(rows) > MOST_COMPARED:
        return 1
    return max(Counter(json.dumps(row, sort_keys=True, default=str) for row in rows).values(), default=0)


def unknown_metrics(leaf: Leaf, task: Any) -> Iterator[Fault]:
    """Check for metrics that neither lm_eval nor its fallback, the library `evaluate`, has."""
    if leaf.config.get("process_results"):
        return
    known = list(metric_registry)
    for name, metric in getattr(task, "_metric_fn_list", {}).items():
        if metric is None:
            if datasets.config.HF_HUB_OFFLINE or not is_on_the_hub(name):
                yield blame.unknown_metric(leaf, name, known)
                return
            metrics_of_the_hub.load(name)  # raises what lm_eval has only logged
    for name, aggregation in getattr(task, "_aggregation_list", {}).items():
        if aggregation is None:
            yield blame.at_metric(leaf, name, known)


def is_on_the_hub(metric: str) -> bool:
    """Return whether `evaluate` would find it on the Hub. Its own error does not show if the Hub is down."""
    places = [metric] if "/" in metric else [f"{owner}/{metric}" for owner in OWNERS_OF_METRICS]
    return any(repo_exists(place, repo_type="space") for place in places)


OWNERS_OF_METRICS = ("evaluate-metric", "evaluate-comparison", "evaluate-measurement")


def unused_metrics(leaf: Leaf, task: Any) -> Iterator[Fault]:
    """Check for metrics that lm_eval silently leaves out, because it does not compute them for this task."""
    if (
        leaf.config.get("process_results")
        or getattr(task, "OUTPUT_TYPE", "generate_until") == "generate_until"
    ):
        return
    doc = task.instances[0].doc
    found = task.process_results(doc, [each.resps[0] for each in task.instances if each.doc_id == 0])
    for name in getattr(task, "_metric_fn_list", {}):
        if name not in found:
            yield blame.unused_metric(leaf, name, task.OUTPUT_TYPE, found)


def example_of(task: Any) -> Example:
    """Return the first question as a model sees it, and the right answer, both shortened."""
    instance = task.instances[0]
    kind = getattr(task, "OUTPUT_TYPE", "")
    prompt = instance.args[0] if isinstance(instance.args[0], str) else ""
    answer = "" if kind == "loglikelihood_rolling" else wanted(task, instance.doc)
    return Example(
        question=("…" + prompt[1 - LONGEST_EXAMPLE :] if len(prompt) > LONGEST_EXAMPLE else prompt),
        answer=cut(answer, LONGEST_EXAMPLE // 5),
    )


def with_examples(description: BackendDescription, examples: dict[str, Example]) -> BackendDescription:
    """Add a question of each task."""

    def shown(task: TaskDescription) -> TaskDescription:
        return replace(task, example=examples.get(task.name))

    return replace(description, tasks=tuple(map(shown, description.tasks)))


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


def is_own(leaf: Leaf, folder: Path) -> bool:
    """Return whether a task's file is one of the owner's."""
    return bool(leaf.file and leaf.file.resolve().is_relative_to(folder.resolve()))


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
        sentence = f"The task {named(leaf, name)} {fault.what}{f' ({where})' if where else ''}: {fault.do}."
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

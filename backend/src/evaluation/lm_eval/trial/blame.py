"""Which fault of a task an error shows: in which file, line and field."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import jinja2

from src.evaluation.errors import causes
from src.evaluation.lm_eval.tasks.configs import SPLITS, Leaf, is_below
from src.evaluation.lm_eval.tasks.own_rows import BadRow
from src.evaluation.lm_eval.tasks.task_yaml import Place
from src.evaluation.lm_eval.trial.faults import (
    CORRECT_THE_PATH,
    Fault,
    did_you_mean,
    error_summary,
    fault_at,
    listed,
)

FIELDS = {
    "doc_to_text": "doc_to_text",
    "doc_to_target": "doc_to_target",
    "doc_to_choice": "doc_to_choice",
    "doc_to_image": "doc_to_image",
    "doc_to_audio": "doc_to_audio",
    "doc_to_prefix": "gen_prefix",
    "process_results": "metric_list",
    "_compute_task_aggregations": "metric_list",
    "apply_filters": "filter_list",
    "build_filter_ensemble": "filter_list",
    "test_docs": "test_split",
    "validation_docs": "validation_split",
    "training_docs": "training_split",
    "fewshot_docs": "fewshot_split",
    "download": "dataset_path",
    "sample": "num_fewshot",
    "fewshot_context": "num_fewshot",
    "get_sampler": "fewshot_config",
    "generate_until": "generation_kwargs",
}
"""lm_eval's functions, and the field of a task's file that each concerns. The innermost one counts."""


def fault_of_row(row: BadRow) -> Fault:
    """Return the fault of an invalid row."""
    return Fault(f"has an invalid question: {row.what}", row.place, row.field or None, "correct it")


def missing_file(leaf: Leaf, file: str) -> Fault:
    """Return the fault of a missing file of questions."""
    return fault_at(
        leaf,
        f"names a file of questions that does not exist, {Path(file).name}",
        "dataset_kwargs",
        keys=("data_files", *leaf.keys_of(file)),
        do=CORRECT_THE_PATH,
    )


def empty_file(leaf: Leaf, file: Path) -> Fault:
    """Return the fault of a file of questions without any."""
    return fault_at(
        leaf,
        f"names a file of questions that has none, {file.name}",
        "dataset_kwargs",
        keys=("data_files", *leaf.keys_of(str(file))),
        do="add them",
    )


def explained(error: BaseException, leaf: Leaf, folder: Path, features: Sequence[str] = ()) -> Fault:
    """Return the fault behind an error from building a task, or from asking and scoring its questions."""
    return next(fault for rule in ERRORS if (fault := rule(error, leaf, folder, features)))


def _of_a_template(error: BaseException, leaf: Leaf, _folder: Path, features: Sequence[str]) -> Fault | None:
    cause = _cause(error, jinja2.TemplateError)
    if cause is None:
        return None
    field = field_of(cause) or "doc_to_text"
    unknown = re.match(r"'(\w+)' is undefined", str(cause))
    if unknown and isinstance(cause, jinja2.UndefinedError):
        close = did_you_mean(unknown[1], features) or (f": they have {listed(features)}" if features else "")
        return fault_at(leaf, f"uses the field `{unknown[1]}`, which its questions do not have{close}", field)
    return fault_at(leaf, f"has a template that fails ({error_summary(cause)})", field)


def _of_its_code(error: BaseException, leaf: Leaf, folder: Path, _features: Sequence[str]) -> Fault | None:
    """Return the fault if the error comes from the owner's Python code beside the task's file."""
    for cause in causes(error):
        if isinstance(cause, SyntaxError) and cause.filename and _is_code_in(cause.filename, folder):
            return Fault(
                f"has code that is not valid Python ({cause.msg})",
                Place(Path(cause.filename), cause.lineno),
                None,
            )
        frames = [
            each for each in traceback.extract_tb(cause.__traceback__) if _is_code_in(each.filename, folder)
        ]
        if frames:
            field = _setting_of(leaf, frames[0].name)
            return Fault(
                f"has code that fails ({error_summary(cause)})",
                Place(Path(frames[-1].filename), frames[-1].lineno),
                field,
            )
    return None


def _of_a_split(error: BaseException, leaf: Leaf, _folder: Path, _features: Sequence[str]) -> Fault | None:
    cause = _cause(error, KeyError)
    if cause is None or not cause.args:
        return None
    for field in SPLITS:
        if leaf.config.get(field) == cause.args[0]:
            return fault_at(
                leaf, f"has the `{field}` {cause.args[0]!r}, but its questions have no such split", field
            )
    return None


def _of_anything(error: BaseException, leaf: Leaf, _folder: Path, _features: Sequence[str]) -> Fault:
    *_, first = causes(error)
    field = field_of(error)
    if field == "num_fewshot" and not isinstance(first, ValueError | AssertionError):
        field = None
    what = "cannot be evaluated" if field is None else f"cannot be evaluated because of its `{field}`"
    return fault_at(leaf, f"{what}: {error_summary(first)}", field)


ERRORS: Sequence[Callable[[BaseException, Leaf, Path, Sequence[str]], Fault | None]] = [
    _of_its_code,
    _of_a_template,
    _of_a_split,
    _of_anything,
]


def field_of(error: BaseException) -> str | None:
    """Return the field of a task's file that lm_eval was processing when the error was raised."""
    for cause in causes(error):
        frames = traceback.extract_tb(cause.__traceback__)
        for caller, frame in reversed([*pairwise(frames)]):
            if "/lm_eval/" not in frame.filename:
                continue
            if frame.name == "resolve_field":
                return "description" if "description" in (caller.line or "") else "gen_prefix"
            if frame.name == "build_qa_turn":
                return "doc_to_text" if "Context is not" in str(cause) else "doc_to_target"
            if frame.name in FIELDS:
                return FIELDS[frame.name]
    return None


def unknown_metric(leaf: Leaf, name: str, known: Iterable[str]) -> Fault:
    """Return the fault of a metric that neither lm_eval nor `evaluate` has."""
    close = did_you_mean(name, known)
    what = f"has the metric {name!r}, which neither lm_eval nor the library `evaluate` has{close}"
    return fault_at(leaf, what, "metric_list", keys=_keys_of(leaf, name))


def at_metric(leaf: Leaf, name: str, known: Iterable[str]) -> Fault:
    """Return the fault of a metric without an aggregation over the questions."""
    close = did_you_mean(name, known)
    what = f"has the metric {name!r} without an `aggregation`, and lm_eval has no default for it{close}"
    return fault_at(leaf, what, "metric_list", keys=_keys_of(leaf, name))


def unused_metric(leaf: Leaf, name: str, kind: str, there: Iterable[str]) -> Fault:
    """Return the fault of a metric that lm_eval does not compute for this kind of task."""
    close = did_you_mean(name, there)
    return fault_at(
        leaf,
        f"has the metric {name!r}, which lm_eval does not compute for `output_type: {kind}`{close}",
        "metric_list",
        keys=_keys_of(leaf, name),
        do="remove it, or change the `output_type`",
    )


def _keys_of(leaf: Leaf, name: str) -> tuple[str | int, ...]:
    """Return the keys that lead to a metric in the list."""
    metrics = leaf.config.get("metric_list") or []
    number = next((at for at, each in enumerate(metrics) if each.get("metric") == name), None)
    return () if number is None else (number, "metric")


def _cause(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    return next((each for each in causes(error) if isinstance(each, kind)), None)


def _is_code_in(file: str, folder: Path) -> bool:
    return Path(file).suffix == ".py" and is_below(Path(file), folder)


def _setting_of(leaf: Leaf, function: str) -> str | None:
    """Return the field of the task's file that names this function."""
    for field, value in leaf.config.items():
        if isinstance(value, str) and "/" in value and value.endswith(f".{function}"):
            return field
    return None

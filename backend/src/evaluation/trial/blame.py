"""Faults of tasks, for sentences to the owner: file, line and field, what is wrong, and what to do."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
from lm_eval.api.instance import OutputType
from lm_eval.api.registry import aggregation_registry, filter_registry, metric_registry
from lm_eval.api.samplers import SAMPLER_REGISTRY
from lm_eval.config.task import TaskConfig

from src.evaluation.failures import causes
from src.evaluation.tasks.configs import Leaf
from src.evaluation.tasks.own_rows import BadRow
from src.evaluation.tasks.task_yaml import Place, place_of
from src.evaluation.trial.problems import CORRECT_THE_PATH

LONGEST = 300
"""The most characters of a library's error that a sentence quotes."""

KEYS = {*(each.name for each in fields(TaskConfig)), "tag", "group", "task_list", "include", "class"}
"""The settings that a task's file may have."""

KINDS: tuple[str, ...] = OutputType.__args__

CORRECT = "correct it"

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


@dataclass(frozen=True)
class Fault:
    """A fault of a task, as parts of a sentence."""

    what: str
    """What is wrong, as the end of a sentence that starts with the task."""
    place: Place | None = None
    field: str | None = None
    """The field of the task's file."""
    do: str = CORRECT
    """What to do about it."""


def fault_of_row(row: BadRow) -> Fault:
    """Return the fault of an invalid row."""
    return Fault(f"has an invalid question: {row.what}", row.place, row.field or None, "correct it")


def faults_in_the_file(leaf: Leaf) -> Iterator[Fault]:
    """Yield the faults that a task's settings show before the task is built."""
    if "class" in leaf.config:
        return
    for rule in (each for each in SETTINGS if not (each in REGISTERED and has_code(leaf.config))):
        yield from rule(leaf)


def missing_file(leaf: Leaf, file: str) -> Fault:
    """Return the fault of a missing file of questions."""
    return _at(
        leaf,
        f"names a file of questions that does not exist, {Path(file).name}",
        "dataset_kwargs",
        keys=("data_files", *leaf.keys_of(file)),
        do=CORRECT_THE_PATH,
    )


def _unknown_keys(leaf: Leaf) -> Iterator[Fault]:
    for key in leaf.config:
        if key not in KEYS:
            yield _at(
                leaf, f"has a setting that lm_eval does not know, `{key}`{did_you_mean(key, KEYS)}", key
            )


def _output_type(leaf: Leaf) -> Iterator[Fault]:
    kind = leaf.config.get("output_type", "generate_until")
    if kind not in KINDS:
        yield _at(
            leaf,
            f"has the `output_type` {kind!r}, which lm_eval does not know{did_you_mean(kind, KINDS)}",
            "output_type",
        )


def _metrics(leaf: Leaf) -> Iterator[Fault]:
    metrics = leaf.config.get("metric_list")
    if metrics is None:
        return
    if not isinstance(metrics, list) or not all(isinstance(each, Mapping) for each in metrics):
        yield _at(leaf, "has a `metric_list` that is not a list of `- metric: …`", "metric_list")
        return
    for number, each in enumerate(metrics):
        yield from _metric(leaf, number, each)


def _metric(leaf: Leaf, number: int, entry: Mapping[str, Any]) -> Iterator[Fault]:
    at = partial(_at, leaf, field="metric_list")
    name, aggregation = entry.get("metric"), entry.get("aggregation")
    if not isinstance(name, str):
        yield at("has a metric without a name", keys=(number,))
        return
    is_ours = "/" in name  # a `!function`
    known = list(metric_registry)
    if not is_ours and not leaf.config.get("process_results") and not entry.get("hf_evaluate"):
        close = did_you_mean(name, known)
        if name not in metric_registry and close:  # else the library `evaluate` may have it
            yield at(f"has the metric {name!r}, which lm_eval does not know{close}", keys=(number, "metric"))
    if isinstance(aggregation, str) and "/" not in aggregation and aggregation not in aggregation_registry:
        yield at(
            f"has the aggregation {aggregation!r}, which lm_eval does not know"
            f"{did_you_mean(aggregation, list(aggregation_registry))}",
            keys=(number, "aggregation"),
        )
    is_better = entry.get("higher_is_better")
    if is_better is not None and not isinstance(is_better, bool):
        yield at(
            f"has the `higher_is_better` {is_better!r}, which is neither true nor false",
            keys=(number, "higher_is_better"),
        )


def _filters(leaf: Leaf) -> Iterator[Fault]:
    filters = leaf.config.get("filter_list")
    if filters is None:
        return
    at = partial(_at, leaf, field="filter_list")
    if not isinstance(filters, list) or not all(isinstance(each, Mapping) for each in filters):
        yield at("has a `filter_list` that is not a list of `- name: …` with `filter: …`")
        return
    for number, each in enumerate(filters):
        steps = each.get("filter")
        if (
            "name" not in each
            or not isinstance(steps, list)
            or not all(isinstance(step, Mapping) for step in steps)
        ):
            yield at(
                "has a filter without `name`, or whose `filter` is not a list of `- function: …`",
                keys=(number,),
            )
            continue
        for place, step in enumerate(steps):
            name = step.get("function")
            if name not in filter_registry and "/" not in str(name):
                close = did_you_mean(name, list(filter_registry))
                yield at(
                    f"has the filter {name!r}, which lm_eval does not know{close}",
                    keys=(number, "filter", place, "function"),
                )


def _splits(leaf: Leaf) -> Iterator[Fault]:
    if leaf.file and not leaf.config.get("test_split") and not leaf.config.get("validation_split"):
        yield _at(leaf, "names neither a `test_split` nor a `validation_split`", "test_split", do="add one")
        return
    splits = leaf.named_splits
    for field in ("test_split", "validation_split", "training_split", "fewshot_split"):
        named = leaf.config.get(field)
        if splits and isinstance(named, str) and named not in splits:
            yield _at(
                leaf, f"has the `{field}` {named!r}, but its questions have only {listed(splits)}", field
            )


def _sampler(leaf: Leaf) -> Iterator[Fault]:
    config = leaf.config.get("fewshot_config")
    name = config.get("sampler", "default") if isinstance(config, Mapping) else "default"
    if isinstance(name, str) and "/" not in name and name not in SAMPLER_REGISTRY:
        close = did_you_mean(name, list(SAMPLER_REGISTRY))
        yield _at(leaf, f"has the sampler {name!r}, which lm_eval does not know{close}", "fewshot_config")


def _generation(leaf: Leaf) -> Iterator[Fault]:
    settings = leaf.config.get("generation_kwargs")
    if settings is not None and not isinstance(settings, Mapping):
        yield _at(
            leaf,
            "has `generation_kwargs` that are not settings such as `max_gen_toks: 16`",
            "generation_kwargs",
        )


def _fewshot(leaf: Leaf) -> Iterator[Fault]:
    number = leaf.config.get("num_fewshot")
    if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 0):
        yield _at(
            leaf,
            f"has the `num_fewshot` {number!r}, which is not a whole number of at least 0",
            "num_fewshot",
        )


SETTINGS: Sequence[Callable[[Leaf], Iterator[Fault]]] = [
    _unknown_keys,
    _output_type,
    _metrics,
    _filters,
    _splits,
    _sampler,
    _generation,
    _fewshot,
]


REGISTERED = (_filters, _sampler)
"""Rules about registries to which a task's own code can add when it is imported."""


def has_code(value: object) -> bool:
    """Return whether a task's settings name a Python function. lm_eval's index has it as a path."""
    if isinstance(value, Mapping):
        return any(has_code(each) for each in value.values())
    if isinstance(value, list):
        return any(map(has_code, value))
    if not isinstance(value, str) or not value.startswith("/"):
        return False
    return Path(f"{value.rpartition('.')[0]}.py").is_file()


def plain_words(leaf: Leaf, features: Sequence[str]) -> Iterator[Fault]:
    """Yield settings that look like a field's name but match no field. Each question would be that word."""
    for field in ("doc_to_text", "doc_to_choice"):
        value = leaf.config.get(field)
        if isinstance(value, str) and value.isidentifier() and value not in features and not value.isdigit():
            close = did_you_mean(value, features) or f": they have {listed(features)}"
            yield _at(
                leaf, f"has the `{field}` {value!r}, but its questions have no such field{close}", field
            )
    field, value = "doc_to_target", leaf.config.get("doc_to_target")
    is_a_name = isinstance(value, str) and value.isidentifier() and value not in features
    if is_a_name and (close := did_you_mean(value, features)):
        yield _at(leaf, f"has the `{field}` {value!r}, but its questions have no such field{close}", field)


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
        return _at(leaf, f"uses the field `{unknown[1]}`, which its questions do not have{close}", field)
    return _at(leaf, f"has a template that fails ({error_summary(cause)})", field)


def _of_its_code(error: BaseException, leaf: Leaf, folder: Path, _features: Sequence[str]) -> Fault | None:
    """Return the fault if the error comes from the owner's Python code beside the task's file."""
    for cause in causes(error):
        if isinstance(cause, SyntaxError) and cause.filename and _is_below(cause.filename, folder):
            return Fault(
                f"has code that is not valid Python ({cause.msg})",
                Place(Path(cause.filename), cause.lineno),
                None,
            )
        frames = [
            each for each in traceback.extract_tb(cause.__traceback__) if _is_below(each.filename, folder)
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
    for field in ("test_split", "validation_split", "training_split", "fewshot_split"):
        if leaf.config.get(field) == cause.args[0]:
            return _at(
                leaf, f"has the `{field}` {cause.args[0]!r}, but its questions have no such split", field
            )
    return None


def _of_anything(error: BaseException, leaf: Leaf, _folder: Path, _features: Sequence[str]) -> Fault:
    *_, first = causes(error)
    field = field_of(error)
    if field == "num_fewshot" and not isinstance(first, ValueError | AssertionError):
        field = None
    what = "cannot be evaluated" if field is None else f"cannot be evaluated because of its `{field}`"
    return _at(leaf, f"{what}: {error_summary(first)}", field)


ERRORS: Sequence[Callable[[BaseException, Leaf, Path, Sequence[str]], Fault | None]] = [
    _of_its_code,
    _of_a_template,
    _of_a_split,
    _of_anything,
]


def field_of(error: BaseException) -> str | None:
    """Return the field of a task's file that lm_eval was processing when this was raised."""
    for cause in causes(error):
        names = [
            each.name for each in traceback.extract_tb(cause.__traceback__) if "/lm_eval/" in each.filename
        ]
        field = next((FIELDS[name] for name in reversed(names) if name in FIELDS), None)
        if field:
            return field
    return None


def unknown_metric(leaf: Leaf, name: str, known: Iterable[str]) -> Fault:
    """Return the fault of a metric that neither lm_eval nor `evaluate` has."""
    close = did_you_mean(name, known)
    what = f"has the metric {name!r}, which neither lm_eval nor the library `evaluate` has{close}"
    return _at(leaf, what, "metric_list", keys=_keys_of(leaf, name))


def at_metric(leaf: Leaf, name: str, known: Iterable[str]) -> Fault:
    """Return the fault of a metric without an aggregation over the questions."""
    close = did_you_mean(name, known)
    what = f"has the metric {name!r} without an `aggregation`, and lm_eval has no default for it{close}"
    return _at(leaf, what, "metric_list", keys=_keys_of(leaf, name))


def unused_metric(leaf: Leaf, name: str, kind: str, there: Iterable[str]) -> Fault:
    """Return the fault of a metric that lm_eval does not compute for this kind of task."""
    close = did_you_mean(name, there)
    return _at(
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


def cut(text: str, longest: int) -> str:
    """Return a text, shortened if it is too long."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def error_summary(error: BaseException) -> str:
    """Return an error in a few words."""
    text = cut(" ".join(str(error).split()), LONGEST)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return a similar known word as the end of a sentence, or nothing if there is none."""
    close = get_close_matches(str(word), list(known), 1, cutoff=0.7)
    return f" (did you mean `{close[0]}`?)" if close else ""


def listed(names: Iterable[str], most: int = 12) -> str:
    """Return names as a list for a sentence."""
    shown = [f"`{each}`" for each in names]
    return ", ".join(shown[:most]) + (" and others" if len(shown) > most else "")


def _at(
    leaf: Leaf, what: str, field: str | None, *, keys: tuple[str | int, ...] = (), do: str = CORRECT
) -> Fault:
    """Return a fault at the line of the field, or at the file if it has no such line."""
    place = place_of(leaf.file, field, *keys) if field else None
    return Fault(what, place or (Place(leaf.file) if leaf.file else None), field, do)


def _cause(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    return next((each for each in causes(error) if isinstance(each, kind)), None)


def _is_below(file: str, folder: Path) -> bool:
    return Path(file).suffix == ".py" and Path(file).resolve().is_relative_to(folder.resolve())


def _setting_of(leaf: Leaf, function: str) -> str | None:
    """Return the field of the task's file that names this function."""
    for field, value in leaf.config.items():
        if isinstance(value, str) and "/" in value and value.endswith(f".{function}"):
            return field
    return None

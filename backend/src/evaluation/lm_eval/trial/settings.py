"""What a task's settings alone tell of its faults, before anything is built of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from lm_eval.api.instance import OutputType
from lm_eval.api.registry import aggregation_registry, filter_registry, metric_registry
from lm_eval.api.samplers import SAMPLER_REGISTRY
from lm_eval.config.task import TaskConfig

from src.evaluation.lm_eval.tasks.configs import SPLITS, Leaf
from src.evaluation.lm_eval.trial.faults import Fault, did_you_mean, fault_at, listed
from src.evaluation.lm_eval.trial.generation import faults_in_generation

KEYS = {*(each.name for each in fields(TaskConfig)), "tag", "group", "task_list", "include", "class"}
"""The settings that a task's file may have."""

KINDS: tuple[str, ...] = OutputType.__args__


def faults_in_the_file(leaf: Leaf) -> Iterator[Fault]:
    """Yield the faults that a task's settings show before the task is built."""
    if "class" in leaf.config:
        return
    for rule in (each for each in SETTINGS if not (each in REGISTERED and has_code(leaf.config))):
        yield from rule(leaf)


def faults_in_changes(leaf: Leaf) -> Iterator[Fault]:
    """Yield the faults of the settings that a group's file has for its tasks."""
    for rule in SETTINGS:
        if rule not in (_unknown_keys, _splits, *REGISTERED):
            yield from rule(leaf)


def _unknown_keys(leaf: Leaf) -> Iterator[Fault]:
    for key in leaf.config:
        if key not in KEYS:
            yield fault_at(
                leaf, f"has a setting that lm_eval does not know, `{key}`{did_you_mean(key, KEYS)}", key
            )


def _output_type(leaf: Leaf) -> Iterator[Fault]:
    kind = leaf.config.get("output_type", "generate_until")
    if kind not in KINDS:
        yield fault_at(
            leaf,
            f"has the `output_type` {kind!r}, which lm_eval does not know{did_you_mean(kind, KINDS)}",
            "output_type",
        )


def _metrics(leaf: Leaf) -> Iterator[Fault]:
    metrics = leaf.config.get("metric_list")
    if metrics is None:
        return
    if not isinstance(metrics, list) or not all(isinstance(each, Mapping) for each in metrics):
        yield fault_at(leaf, "has a `metric_list` that is not a list of `- metric: …`", "metric_list")
        return
    for number, each in enumerate(metrics):
        yield from _metric(leaf, number, each)


def _metric(leaf: Leaf, number: int, entry: Mapping[str, Any]) -> Iterator[Fault]:
    at = partial(fault_at, leaf, field="metric_list")
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
    at = partial(fault_at, leaf, field="filter_list")
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
        yield fault_at(
            leaf, "names neither a `test_split` nor a `validation_split`", "test_split", do="add one"
        )
        return
    splits = leaf.named_splits
    for field in SPLITS:
        named = leaf.config.get(field)
        if splits and isinstance(named, str) and named not in splits:
            yield fault_at(
                leaf, f"has the `{field}` {named!r}, but its questions have only {listed(splits)}", field
            )


def _sampler(leaf: Leaf) -> Iterator[Fault]:
    config = leaf.config.get("fewshot_config")
    name = config.get("sampler", "default") if isinstance(config, Mapping) else "default"
    if isinstance(name, str) and "/" not in name and name not in SAMPLER_REGISTRY:
        close = did_you_mean(name, list(SAMPLER_REGISTRY))
        yield fault_at(
            leaf, f"has the sampler {name!r}, which lm_eval does not know{close}", "fewshot_config"
        )


def _fewshot(leaf: Leaf) -> Iterator[Fault]:
    number = leaf.config.get("num_fewshot")
    if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 0):
        yield fault_at(
            leaf,
            f"has the `num_fewshot` {number!r}, which is not a whole number of at least 0",
            "num_fewshot",
        )


def _simple(leaf: Leaf) -> Iterator[Fault]:
    """Check the settings that must be of one type."""
    for field, (kind, must) in SIMPLE.items():
        value = leaf.config.get(field)
        if value is not None and not isinstance(value, kind):
            yield fault_at(leaf, f"has the `{field}` {value!r}, which is not {must}", field)
    for field in ("process_docs", "process_results"):
        value = leaf.config.get(field)
        if value is not None and not (isinstance(value, str) and "/" in value):
            yield fault_at(
                leaf, f"has the `{field}` {value!r}, which is not a `!function file.function`", field
            )
    repeats = leaf.config.get("repeats", 1)
    if not isinstance(repeats, int) or isinstance(repeats, bool) or repeats < 1:
        yield fault_at(
            leaf, f"has the `repeats` {repeats!r}, which is not a whole number of at least 1", "repeats"
        )


SIMPLE: Mapping[str, tuple[type, str]] = {
    **dict.fromkeys(("target_delimiter", "fewshot_delimiter", "gen_prefix", "description"), (str, "text")),
    **dict.fromkeys(("dataset_path", "task_alias"), (str, "text")),
    **dict.fromkeys(SPLITS, (str, "text")),
    "dataset_kwargs": (Mapping, "settings such as `data_files: …`"),
    "should_decontaminate": (bool, "true or false"),
}

SETTINGS: Sequence[Callable[[Leaf], Iterator[Fault]]] = [
    _unknown_keys,
    _output_type,
    _metrics,
    _filters,
    _splits,
    _sampler,
    faults_in_generation,
    _fewshot,
    _simple,
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
            yield fault_at(
                leaf, f"has the `{field}` {value!r}, but its questions have no such field{close}", field
            )
    field, value = "doc_to_target", leaf.config.get("doc_to_target")
    is_a_name = isinstance(value, str) and value.isidentifier() and value not in features
    if is_a_name and (close := did_you_mean(value, features)):
        yield fault_at(
            leaf, f"has the `{field}` {value!r}, but its questions have no such field{close}", field
        )

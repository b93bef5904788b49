"""The faults that a built task shows: too few examples, and metrics that nobody has or lm_eval leaves out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import datasets
from huggingface_hub import repo_exists
from lm_eval.api.registry import metric_registry

from src.evaluation.lm_eval.tasks.configs import Leaf
from src.evaluation.lm_eval.tasks.task_yaml import Place, place_of
from src.evaluation.lm_eval.trial import blame
from src.evaluation.lm_eval.trial.faults import Fault
from src.running.suite import Suite

SEED = 1234
"""lm_eval's seed for choosing examples."""

MOST_COMPARED = 20_000
"""Do not look for duplicates among more examples than this."""


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
            # Not at the top: it takes a second to import, and few suites need it.
            from evaluate import load as load_metric  # type: ignore[import-untyped]

            load_metric(name)  # raises what lm_eval has only logged
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

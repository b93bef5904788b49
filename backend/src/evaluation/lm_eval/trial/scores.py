"""Whether tasks and groups get a score from the stand-in's answers: without one nothing can be published."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from src.evaluation.lm_eval.tasks.configs import Leaf
from src.evaluation.lm_eval.trial.faults import Fault, did_you_mean, fault_at, listed
from src.evaluation.lm_eval.trial.groups import LIST
from src.shared.data.reports import names_a_score

Scores = Mapping[str, Mapping[str, Any]]
"""The metrics of each task and group, as lm_eval reports them."""


def scores_of(results: Any) -> Scores:
    """Return the scores in what lm_eval's `evaluate` returns."""
    return {**results["results"], **results.get("groups", {})}


def metrics_of(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metrics of a task, by names such as `acc,none`."""
    return {key: value for key, value in scores.items() if "," in key and names_a_score(key)}


def is_finite(value: object) -> bool:
    """Return whether a value can be published as a score."""
    try:
        return not isinstance(value, bool | str) and math.isfinite(value)  # type: ignore[arg-type]
    except TypeError:
        return False


def has_a_score(name: str, runs: list[Scores]) -> bool:
    """Return whether a task has a score in any of these runs."""
    return any(is_finite(value) for run in runs for value in metrics_of(run.get(name, {})).values())


def no_score(leaf: Leaf, name: str, runs: list[Scores]) -> Fault:
    """Return the fault of a task without a score."""
    found = {
        key.partition(",")[0]: value for run in runs for key, value in metrics_of(run.get(name, {})).items()
    }
    field = "process_results" if leaf.config.get("process_results") else "metric_list"
    shown = ", ".join(f"`{key}` is {value}" for key, value in found.items()) or "it has no metric"
    return fault_at(leaf, f"gives no score that can be published: {shown}", field)


def faults_of_a_group(group: Leaf, tasks: list[str], scores: Scores) -> Iterator[Fault]:
    """Yield the faults of the metrics that a group aggregates, by those that its tasks have."""
    metrics = group.config.get(LIST) or []
    held = {task: set(metrics_of(scores.get(task, {}))) for task in tasks}
    every = sorted({key for keys in held.values() for key in keys})
    names, filters = ({key.partition(",")[at] for key in every} for at in (0, 2))
    for number, each in enumerate([metrics] if isinstance(metrics, Mapping) else metrics):
        metric, wanted = each["metric"], each.get("filter_list")
        if metric not in names:
            what = f"{metric!r}, which none of its tasks has{did_you_mean(metric, names) or _has(names)}"
            yield _at(group, number, "metric", what)
            continue
        for name in [wanted] if isinstance(wanted, str) else wanted or []:
            if f"{metric},{name}" not in every:
                close = did_you_mean(name, filters) or _has(filters)
                yield _at(
                    group,
                    number,
                    "filter_list",
                    f"{metric!r} with the filter {name!r}, which none has{close}",
                )
        if lacking := [
            task for task, keys in held.items() if not any(key.startswith(f"{metric},") for key in keys)
        ]:
            yield _at(group, number, "metric", f"{metric!r}, which {listed(lacking)} does not have")


def _has(names: set[str]) -> str:
    return f": they have {listed(sorted(names))}"


def _at(group: Leaf, number: int, key: str, what: str) -> Fault:
    return fault_at(group, f"aggregates the metric {what}", LIST, keys=(number, key))

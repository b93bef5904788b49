"""Whether a report was computed from all the answers that were asked for, and from nothing but numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from src.evaluation.failures import Failed
from src.evaluation.reports.report import Report
from src.running.job import End

Sample = Mapping[str, Any]
"""What lm_eval logs of one question under one filter: `doc_id`, `resps`, `metrics` and more."""


def check_samples(report: Report, limit: float | None) -> None:
    """Raise `Failed` for a report of lm_eval's, with its samples, that is not what was asked for."""
    for task, count in report["n-samples"].items():
        samples = report["samples"].get(task, [])
        asked, answered = asked_for(count["original"], limit), len({each["doc_id"] for each in samples})
        if answered != asked:
            raise invalid(f"The evaluation has answers to {answered} of the {asked} questions of {task}")
        scored = scored_on(samples)
        if count["effective"] != scored:
            raise invalid(
                f"The score of {task} was computed from {count['effective']} questions instead of {scored}"
            )
        if not all(is_finite(each["resps"]) for each in samples):
            raise invalid(f"The evaluation has an answer to {task} whose probability is NaN or infinite")


def asked_for(original: int, limit: float | None) -> int:
    """How many of a task's questions a limit leaves, by lm_eval's rule: below 1 it is a fraction."""
    if not limit:
        return original
    return math.ceil(original * limit) if limit < 1 else min(int(limit), original)


def scored_on(samples: Sequence[Sample]) -> int:
    """On how many questions a task was scored, as lm_eval counts them.

    That is all of them; where some are scored by one metric and some by another, it is those of one metric.
    """
    of_metrics: dict[tuple[str, str], set[Any]] = {}
    for sample in samples:
        for metric in sample["metrics"]:
            of_metrics.setdefault((metric, sample["filter"]), set()).add(sample["doc_id"])
    return max(map(len, of_metrics.values()), default=0)


def is_finite(answers: object) -> bool:
    """Whether all log-probabilities among the answers, lists and tuples of any depth, are finite."""
    if isinstance(answers, list | tuple):
        return all(is_finite(answer) for answer in answers)
    return not isinstance(answers, float) or math.isfinite(answers)


def invalid(what: str) -> Failed:
    """The failure of a report in which something is wrong."""
    return Failed(f"{what}, so nothing was published.", End.INVALID)

"""Checks that a report was computed from all requested answers, and only from finite numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from src.evaluation.failures import Failed
from src.evaluation.reports.report import Report
from src.running.job import End

Sample = Mapping[str, Any]
"""lm_eval's record of one question with one filter: `doc_id`, `resps`, `metrics` and more."""


def check_samples(report: Report, limit: float | None) -> None:
    """Raise `Failed` if a report of lm_eval, with its samples, is not what was requested."""
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
    """Return how many of a task's questions a limit leaves. By lm_eval's rule, below 1 it is a fraction."""
    if not limit:
        return original
    return math.ceil(original * limit) if limit < 1 else min(int(limit), original)


def scored_on(samples: Sequence[Sample]) -> int:
    """Return on how many questions a task was scored, as lm_eval counts them.

    If questions have different metrics, this is the largest number that one metric covers.
    """
    of_metrics: dict[tuple[str, str], set[Any]] = {}
    for sample in samples:
        for metric in sample["metrics"]:
            of_metrics.setdefault((metric, sample["filter"]), set()).add(sample["doc_id"])
    return max(map(len, of_metrics.values()), default=0)


def is_finite(answers: object) -> bool:
    """Return whether all log-probabilities in nested lists and tuples of answers are finite."""
    if isinstance(answers, list | tuple):
        return all(is_finite(answer) for answer in answers)
    return not isinstance(answers, float) or math.isfinite(answers)


def invalid(what: str) -> Failed:
    """Return the failure of an invalid report."""
    return Failed(f"{what}, so nothing was published.", End.INVALID)

"""Merges lm_eval's reports of single tasks into one. No side effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from src.evaluation.reports.report import TIME, Report, joined, sha256
from src.evaluation.served.counts import ANSWERS, EMPTY

TRUNCATED = "truncated_prompts"
"""The section with the number of truncated prompts, by configured name. They exceeded the model's context."""

SECTIONS_BY_TASK = [
    "results",
    "groups",
    "group_subtasks",
    "configs",
    "versions",
    "n-shot",
    "higher_is_better",
    "n-samples",
    "task_hashes",
    TRUNCATED,
    EMPTY,
    ANSWERS,
]


def merged(reports: Sequence[Report]) -> Report:
    """Return one report of all tasks, as if lm_eval had evaluated them together."""
    whole = joined(reports, SECTIONS_BY_TASK)
    batch_sizes = [size for report in reports for size in report["config"]["batch_sizes"]]
    whole["config"] = {**reports[0]["config"], "batch_sizes": batch_sizes}
    whole[TIME] = str(sum(float(report[TIME]) for report in reports))
    return whole


def with_the_parts_of_a_tag(report: Report, name: str) -> Report:
    """Return the report for a configured name, with either its scores or its parts.

    lm_eval lists the parts of a group in `group_subtasks`, but not the tasks of a tag.
    """
    if name in report["results"]:
        return report
    return {**report, "group_subtasks": {**report["group_subtasks"], name: list(report["results"])}}


def task_hashes(samples: Mapping[str, Sequence[Mapping[str, str]]]) -> dict[str, str]:
    """Return a fingerprint of each task's questions, prompts and targets, as lm_eval's command line does."""
    return {
        task: sha256(
            "".join(each["doc_hash"] + each["prompt_hash"] + each["target_hash"] for each in answered)
        )
        for task, answered in samples.items()
    }

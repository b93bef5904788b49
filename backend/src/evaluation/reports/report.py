"""Merges lm_eval's reports of single tasks into one, and prepares it for publication. No side effects."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

Report = dict[str, Any]
"""What lm_eval returns: sections by task, the configuration, versions. Its shape is lm_eval's."""

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
]

TIME = "total_evaluation_time_seconds"

NOT_PUBLISHED = {
    "samples",  # As large as the questions, which may not be ours to publish.
    "pretty_env_info",  # The processors, drivers and packages of the worker's machine.
}


def merged(reports: Sequence[Report]) -> Report:
    """Return one report of all tasks, as if lm_eval had evaluated them together."""
    whole = dict(reports[0])
    for section in SECTIONS_BY_TASK:
        parts = [report[section] for report in reports if section in report]
        if parts:
            whole[section] = {name: value for part in parts for name, value in part.items()}
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


def sha256(text: str) -> str:
    """Return the hexadecimal digest of a text, the form of lm_eval's fingerprints."""
    return hashlib.sha256(text.encode()).hexdigest()


def publishable(report: Report, names: Mapping[str, str]) -> Report:
    """Return the report without what stays on the worker, as values of strict JSON.

    `names` maps paths of this machine to the text that replaces them.
    """
    longest_first = dict(sorted(names.items(), key=lambda item: -len(item[0])))
    return {key: _plain(value, longest_first) for key, value in report.items() if key not in NOT_PUBLISHED}


def _plain(value: Any, names: Mapping[str, str]) -> Any:
    match value:
        case None | bool() | int():
            return value
        case float():
            return float(value) if math.isfinite(value) else None
        case Mapping():
            return {_plain(str(key), names): _plain(item, names) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(item, names) for item in value]
    if hasattr(value, "item"):  # A number of NumPy or PyTorch.
        return _plain(value.item(), names)
    text = str(value)
    for path, name in names.items():
        text = text.replace(path, name)
    return text

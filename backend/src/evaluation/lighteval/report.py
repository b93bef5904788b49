"""lighteval's reports as its command line saves them, of one task and of all tasks. No side effects."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import xxhash
from lighteval.logging.evaluation_tracker import EnhancedJSONEncoder, EvaluationTracker
from lighteval.pipeline import Pipeline

from src.evaluation.reports.report import Report, joined
from src.evaluation.served.counts import ANSWERS, EMPTY
from src.running.job import Job
from src.shared.data.benchmark import AVERAGE

ALL = "all"
"""The key of the mean of everything."""

TRUNCATED = "truncated_prompts"
"""The section with the number of prompts that exceeded the model's context, by configured name."""

SECTIONS_BY_TASK = ["results", "versions", "config_tasks", "summary_tasks", TRUNCATED, EMPTY, ANSWERS]

SECONDS = "total_evaluation_time_secondes"
"""lighteval spells it so."""

ADDRESS = re.compile(r" at 0x[0-9a-f]+")
"""Where an object without a name of its own lies in memory."""


def report_of(pipeline: Pipeline, job: Job, task: str, truncated: int) -> Report:
    """Return the report of a task that was evaluated, as saved by lighteval, with what it leaves out."""
    tracker = pipeline.evaluation_tracker
    for name, built in pipeline.tasks_dict.items():
        tracker.versions_logger.log(name, built.version)
        tracker.task_config_logger.log_num_docs(
            name, len(built.eval_docs()), len(pipeline.documents_dict[name])
        )
    report = as_saved(tracker)
    report["config_general"] |= {"model_sha": job.commit, "model_dtype": job.precision}
    return {**report, TRUNCATED: {task: truncated}}


def as_saved(tracker: EvaluationTracker) -> Report:
    """Return lighteval's results as they are in the file that it saves."""
    text = json.dumps(tracker.results, cls=EnhancedJSONEncoder)
    report: Report = json.loads(ADDRESS.sub("", text))
    return report


def merged(reports: Sequence[Report]) -> Report:
    """Return one report of all tasks, as if lighteval had evaluated them together."""
    whole = joined(reports, SECTIONS_BY_TASK)
    whole["results"][ALL] = means(whole["results"])
    whole["summary_general"] = {
        **reports[0]["summary_general"],
        "hashes": hashes_of_all(whole["summary_tasks"]),
    }
    seconds = sum(float(report["config_general"][SECONDS]) for report in reports)
    whole["config_general"] = {**reports[0]["config_general"], SECONDS: str(seconds)}
    return whole


def means(results: Mapping[str, Mapping[str, float | None]]) -> dict[str, float | None]:
    """Return the mean of each metric over all tasks that have it; None if one of its values is missing."""
    values: dict[str, list[float | None]] = defaultdict(list)
    for key, metrics in results.items():
        if key != ALL and f":{AVERAGE}|" not in key:
            for name, value in metrics.items():
                values[name].append(value)
    return {name: None if None in each else sum(each) / len(each) for name, each in values.items()}  # type: ignore[arg-type]


def hashes_of_all(summaries: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return lighteval's fingerprints of all questions, prompts and answers together."""
    kinds = next(iter(summaries.values()))["hashes"]
    return {
        kind: _hash("".join(summaries[task]["hashes"][kind] for task in sorted(summaries))) for kind in kinds
    }


def _hash(text: str) -> str:
    return xxhash.xxh64(text.encode()).hexdigest()

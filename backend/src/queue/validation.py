"""Checks that a report contains what was asked for. A successful exit of the child is not enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from src.running.job import End, Ending
from src.shared.data.benchmark import MixedSettings, keys_meant
from src.shared.data.json_file import as_number, as_object, as_texts
from src.shared.data.names import MAX_BYTES
from src.shared.data.reports import names_a_score

TOO_LARGE = (
    "The report has {:,} bytes, but at most {:,} can be published. The leaderboard's owner has to evaluate "
    "fewer tasks; the model is not at fault."
)
NO_SCORE = (
    "The evaluation ended without a score for {}, so nothing was published. The leaderboard's owner has to "
    "check the task; nothing shows that the model is at fault."
)


def validated(ending: Ending, tasks: Iterable[str]) -> Ending:
    """Return the ending, changed to INVALID if its report lacks a task's score."""
    if ending.report is None:
        return ending
    report = ending.report
    lacking = next((task for task in tasks if not _has_a_score(task, report)), None)
    if lacking is not None:
        return replace(ending, end=End.INVALID, message=NO_SCORE.format(lacking), report=None)
    return ending


def of_a_size(ending: Ending, size: int) -> Ending:
    """Return the ending, changed to INVALID if the file of its result has more bytes than are read again."""
    if size <= MAX_BYTES:
        return ending
    return replace(ending, end=End.INVALID, message=TOO_LARGE.format(size, MAX_BYTES), report=None)


def _has_a_score(task: str, report: Mapping[str, object], above: frozenset[str] = frozenset()) -> bool:
    """Return whether a task has a score. A group or tag may instead have one in each of its tasks."""
    results = as_object(report.get("results"))
    if any(_is_score(key, value) for key, value in as_object(results.get(task)).items()):
        return True
    above |= {task}
    parts = [part for part in _parts(task, report) if part not in above]
    return bool(parts) and all(_has_a_score(part, report, above) for part in parts)


def _parts(task: str, report: Mapping[str, object]) -> list[str]:
    """Return the tasks of a group: as lm_eval lists them, or by their names, as lighteval writes them."""
    listed = as_texts(as_object(report.get("group_subtasks")).get(task))
    meant = keys_meant(tuple(as_object(report.get("results"))), task)
    return list(listed) or ([] if isinstance(meant, MixedSettings) else list(meant))


def _is_score(key: str, value: object) -> bool:
    """Return whether it is a finite number, and neither a standard error nor a count of samples."""
    return names_a_score(key) and as_number(value) is not None

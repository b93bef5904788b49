"""The scores of one evaluation as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from src.shared.data.json_file import as_object, as_texts
from src.shared.data.result import Result

Groups = Mapping[str, Iterable[str]]
"""The parts of each group of tasks."""

HEAD = ("task", "metric", "score", "questions")


def score_table(result: Result, tasks: Iterable[str], groups: Groups) -> list[str]:
    """Return the lines of a table: each task of the suite with its scores, their standard errors, and how
    many questions were asked.
    """
    rows = [HEAD, *(row for task in tasks for row in _rows(result, parts_of(task, result, groups) or [task]))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def parts_of(task: str, result: Result, groups: Groups) -> list[str]:
    """Return which scores of a report a task of the suite means: its own, or those of a group's tasks.

    Each counts once, however often groups name it or each other, and a group's task also without a score.
    """
    found: list[str] = []
    seen, ahead = set[str](), [task]
    while ahead:
        name = ahead.pop()
        if name in seen:
            continue
        seen.add(name)
        scores, parts = result.scores.get(name), list(groups.get(name, ()))
        if scores is not None and (not parts or any(value is not None for value in scores.values())):
            found.append(name)
        else:
            ahead += reversed(parts)
    return found or list(result.tasks(task))


def groups_in(report: Mapping[str, object]) -> Groups:
    """Return the groups of tasks in lm_eval's report, each with its parts."""
    return {name: as_texts(parts) for name, parts in as_object(report.get("group_subtasks")).items()}


def _rows(result: Result, parts: Iterable[str]) -> Iterator[tuple[str, str, str, str]]:
    for part in parts:
        questions = result.n_samples.get(part)
        for metric, value in result.scores.get(part, {}).items():
            error = result.stderrs.get(part, {}).get(metric)
            score = "no score" if value is None else f"{value:.4f}"
            within = "" if error is None else f" ± {error:.4f}"
            yield part, metric, f"{score}{within}", "?" if questions is None else f"{questions:,}"

"""How many answers of a server were empty: counted for each task, published, and refused if too many."""

from __future__ import annotations

from typing import Any

from src.evaluation.failures import Failed
from src.evaluation.reports.report import Report
from src.evaluation.served.client import ServedModel
from src.evaluation.served.connecting import public_address
from src.running.job import End, Job

EMPTY, ANSWERS = "empty_answers", "answers"
"""The sections of an engine's report with the number of empty answers and of all, by configured task."""


class EmptyAnswers:
    """Counts a server's answers from here on."""

    def __init__(self, served: ServedModel) -> None:
        self._served = served
        self._before = served.empty, served.answers

    def of(self, job: Job, task: str) -> dict[str, dict[str, int]]:
        """Return both sections for this task. Raises `Failed` if too many of its answers were empty."""
        empty, answers = self._served.empty - self._before[0], self._served.answers - self._before[1]
        if empty > job.most_empty * answers:
            raise Failed(
                f"The server left {empty} of {answers} answers to {task} empty, more than the "
                f"{100 * job.most_empty:g} per cent that this leaderboard accepts (MAX_EMPTY_ANSWERS), so "
                "nothing was published. If the model answers elsewhere, ask the leaderboard's owner to look "
                "at the server's filters, its chat template and its limits for thinking. If the model really "
                "ends its answers at once, as weak base models do, ask the owner to raise "
                "MAX_EMPTY_ANSWERS.",
                End.INVALID,
            )
        return {EMPTY: {task: empty}, ANSWERS: {task: answers}}


def served_by(job: Job, report: Report) -> dict[str, Any]:
    """Return what is published about the job's server: what it is, and how many answers were empty.

    It takes the counts out of the engine's report.
    """
    assert job.server, "the job has no server"
    return {
        "inference": job.inference.value,
        "api": job.inference_api.value,
        "address": public_address(job.server),
        "is_exact": job.server.is_exact,
        "image": job.server.image,
        "region": job.server.region,
        "price": job.server.price,
        EMPTY: report.pop(EMPTY, {}),
        ANSWERS: report.pop(ANSWERS, {}),
    }

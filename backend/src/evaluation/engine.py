"""The engine: the program that evaluates, as the evaluation child sees it. Each engine is a folder here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Protocol

from src.evaluation.progress import OnProgress, ProgressMeter
from src.evaluation.reports.report import Report
from src.evaluation.reports.samples_file import Sample
from src.running.job import Job, Trial
from src.running.suite import EngineName, Suite
from src.shared.data.backend_description import BackendDescription


class Evaluation(Protocol):
    """The evaluation of one job whose suite was found to be right. Nothing of the model is loaded yet."""

    def load(self, meter: ProgressMeter, token: str | None) -> None:
        """Load the job's model, which counts its requests with the meter. Raises `Failed`.

        `token` is for the job's server, if it has one.
        """

    def evaluate(self, task: str) -> tuple[Report, Iterable[Sample]]:
        """Return the report of one task, and its samples if the job keeps them.

        The report is for publication: strict JSON, and no path of this machine. Raises `Failed`, or any error
        for which `failures.py` has a sentence.
        """

    def merged(self, reports: Sequence[Report]) -> Report:
        """Return one report of all tasks, as if they had been evaluated together."""


class Engine(Protocol):
    """A program that evaluates models."""

    name: EngineName
    unnamed_packages: Sequence[str]
    """Packages whose versions we add to its report, because it does not name them."""

    def make_ready(self, suite: Suite) -> None:
        """Prepare what all evaluations of the suite need, for this process and its forks."""

    def describe(self, suite: Suite) -> BackendDescription:
        """Describe the suite, from files and settings only: no question is loaded, no call is made."""

    def try_suite(self, suite: Suite, on_progress: OnProgress) -> Trial:
        """Describe the suite, and try each task on a few questions. Every error becomes a problem."""

    def begin(self, job: Job) -> Evaluation:
        """Begin the evaluation of a job. Raises `Failed` if this worker cannot run its suite."""


ENGINES = {
    EngineName.LM_EVAL: "src.evaluation.lm_eval.engine",
    EngineName.LIGHTEVAL: "src.evaluation.lighteval.engine",
}
"""The module of each engine, which has it as `ENGINE`. Only the suite's own is imported."""


def engine_of(suite: Suite) -> Engine:
    """Return the engine that the suite is for."""
    engine: Engine = import_module(ENGINES[suite.engine]).ENGINE
    return engine

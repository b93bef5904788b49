"""Evaluates one model with any engine, task by task, into one report."""

from __future__ import annotations

import logging
from pathlib import Path

from src.evaluation.devices import check_device
from src.evaluation.engine import engine_of
from src.evaluation.failures import Step, explained
from src.evaluation.progress import OnProgress, ProgressMeter
from src.evaluation.reports.kept import KeptReports
from src.evaluation.reports.machine import machine
from src.evaluation.reports.report import Report
from src.evaluation.reports.samples_file import samples_file
from src.evaluation.served.connecting import machine_of
from src.evaluation.served.counts import served_by
from src.evaluation.versions import added_versions
from src.running.job import Job
from src.running.suite import PEFT, without_the_computing
from src.shared.data.reports import OURS

log = logging.getLogger(__name__)


def evaluate(
    job: Job, on_progress: OnProgress, samples: Path | None = None, *, token: str | None = None
) -> Report:
    """Return the report of this model on all the job's tasks, for publication.

    If the job keeps samples, write a file of them for each task into the folder `samples`. `token` is what
    the job's server wants, if it has one.

    Reuse the reports that an earlier attempt kept. If those are all, do not even load the model. Raises
    `Failed` if the model cannot be evaluated.
    """
    engine = engine_of(job)
    evaluation = engine.begin(job)
    if not job.server:
        check_device(job)
    unnamed = [*engine.unnamed_packages, *([PEFT] if job.base else [])]
    made_with = {
        "hardware": machine_of(job.server) if job.server else machine(job.device),
        "versions": added_versions(without_the_computing(unnamed) if job.server else unnamed),
        **({"settings": job.settings} if job.settings else {}),
    }
    kept = KeptReports.of(job, samples)
    reports = {task: report for task in job.tasks if (report := kept.read(task))}
    missing = [task for task in job.tasks if task not in reports]
    if missing:
        meter = ProgressMeter(on_progress)
        evaluation.load(meter, token)
        for task in missing:
            meter.start(task)
            with explained(Step.EVALUATION, job, task):
                reports[task], answered = evaluation.evaluate(task)
            meter.finish()
            kept.write(task, reports[task], samples_file(answered) if job.save_samples else None)
            log.info("evaluated %s on %s", job.model, task)
    report = evaluation.merged([reports[task] for task in job.tasks])
    if job.server:
        made_with["served"] = served_by(job, report)
    return {**report, OURS: made_with}

"""Jobs for evaluations of which a test says only what matters to it."""

from dataclasses import replace
from pathlib import Path

from src.running.job import Job
from support.sources import ROOT

TASKS = ROOT / "backend" / "tasks"


def make_job(model: Path | str, **changes: object) -> Job:
    """Evaluate the model in this folder on the three shipped tasks."""
    job = Job(
        model="org/model",
        weights=str(model),
        commit="c" * 40,
        precision="float32",
        tasks=("tiny_addition", "tiny_agreement", "tiny_copy"),
        tasks_dir=str(TASKS),
    )
    return replace(job, **changes)  # type: ignore[arg-type]

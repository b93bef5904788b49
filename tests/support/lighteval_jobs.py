"""Jobs for lighteval, and what its own command line computes for them."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from src.evaluation.evaluating import evaluate
from src.running.job import Job
from src.running.suite import EngineName
from support import lighteval_command_line
from support.jobs import TASKS, make_job

SHIPPED = ("tiny_addition|0", "tiny_agreement|0", "tiny_copy|0")
SHIPPED_FILE = TASKS / "tiny_lighteval.py"


def lighteval_job(model: Path | str, *tasks: str, **changes: object) -> Job:
    """Evaluate the model in this folder on the shipped tasks, or on these."""
    settings = {"engine": EngineName.LIGHTEVAL, "tasks": tasks or SHIPPED, "batch_size": "8", **changes}
    return make_job(model, **settings)


def report_of(job: Job) -> dict[str, Any]:
    return evaluate(job, lambda progress: None)


def on_the_command_line(jobs: Sequence[tuple[Job, Path]]) -> list[dict[str, Any]]:
    """What lighteval's command line saves for each job, with this file of tasks, or its error.

    Each gets a copy of its model, because lighteval writes a cache into the folder of a model on the disk.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        runs = [_arguments(job, file, folder / str(number)) for number, (job, file) in enumerate(jobs)]
        (folder / "runs.json").write_text(json.dumps(runs))
        command = [sys.executable, lighteval_command_line.__file__, "runs.json", "outcomes.json"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        outcomes: list[dict[str, Any]] = json.loads((folder / "outcomes.json").read_text())
        return outcomes


def _arguments(job: Job, file: Path, copy: Path) -> list[str]:
    shutil.copytree(job.weights, copy)
    settings = {
        "model_name": copy,
        "dtype": job.precision,
        "batch_size": job.batch_size,
        "override_chat_template": str(job.use_chat_template).lower(),
        "cache_dir": copy / "cache",
    }
    limit = [] if job.limit is None else ["--max-samples", str(job.limit)]
    model = ",".join(f"{name}={value}" for name, value in settings.items())
    return ["accelerate", model, ",".join(job.tasks), "--custom-tasks", str(file), *limit]

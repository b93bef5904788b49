"""Runs one evaluation: `python -m src.evaluation evaluate FOLDER` leaves a report or a failure in the folder.

`describe` loads no model; its report describes the job's suite. `try` also reports the suite's problems.
`warm` takes the file of a suite, and becomes the parent of such processes.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from src.evaluation.lifeline import end_with, ending_with
from src.running.handed_token import take_token
from src.running.job import (
    BEGUN_FILE,
    FAILURE_FILE,
    JOB_FILE,
    PROGRESS_FILE,
    REPORT_FILE,
    SAMPLES_FOLDER,
    End,
    Failure,
    Job,
    Work,
    read_json,
    write_json,
)
from src.running.suite import EngineName, Suite

if TYPE_CHECKING:  # it imports what takes seconds
    from src.evaluation.engine import Engine

log = logging.getLogger(__name__)

STDIN = 0

ROOM_FILE = "room"
ROOM_BYTES = 65_536
"""A file to remove when the disk is full, so that there is room to report it."""

READ_AT_IMPORT = {
    "TQDM_DISABLE": "1",  # Progress bars do not belong in a log file.
    "OMP_WAIT_POLICY": "PASSIVE",  # Threads that spin while they wait slow a busy machine down.
    "TOKENIZERS_PARALLELISM": "false",
    "DISABLE_SAFETENSORS_CONVERSION": "1",  # Do not ask the Hub to convert a model's weights.
    "GIT_PYTHON_REFRESH": "quiet",  # lighteval imports GitPython, which fails where git is not installed.
}
"""Settings that libraries read from the environment when they are imported."""

NEVER_IMPORTED = ("kernels",)
"""It downloads code from the Hub and runs it; transformers would use it for some quantized weights."""

QUIET = ("httpx", "httpcore", "urllib3", "filelock", "fsspec")
"""These log each URL that they fetch, and some are signed. Only their warnings are kept."""

ALLOW_CODE = {"HF_ALLOW_CODE_EVAL": "1"}
"""Without this variable, metrics that run a model's code cannot even be imported."""


def evaluate_the_model(folder: Path) -> int:
    """Evaluate, and return the exit status: 0 with a report, 1 with a failure or with neither."""
    token = take_token(folder)  # Nothing that runs later, such as a model's code, finds it in a file.
    job = read_json(folder / JOB_FILE, Job)
    if job is None:
        return report_missing_job(folder)
    allow_code(job)
    # Not at the top: these imports take seconds, in which the worker may die.
    try:
        from src.evaluation.engine import engine_of
        from src.evaluation.evaluating import evaluate
        from src.evaluation.failures import Failed, Step, explained, unexpected

        engine_of(job)
    except (ImportError, OSError) as error:
        return report_missing_package(folder, error, job)

    try:
        with explained(Step.OTHER, job):
            (folder / BEGUN_FILE).touch()
            (folder / ROOM_FILE).write_bytes(bytes(ROOM_BYTES))
            on_progress = partial(write_json, folder / PROGRESS_FILE)
            write_json(folder / REPORT_FILE, evaluate(job, on_progress, folder / SAMPLES_FOLDER, token=token))
    except Failed as failed:
        log.exception("could not evaluate %s", job.model)
        (folder / ROOM_FILE).unlink(missing_ok=True)
        write_json(folder / FAILURE_FILE, Failure(failed.end, str(failed)))
        return 1
    except Exception as error:  # the outermost handler: report whatever happened
        log.exception("could not evaluate %s", job.model)
        write_json(folder / FAILURE_FILE, unexpected(error))
        return 1
    log.info("finished %s", job.model)
    return 0


def describe_the_suite(folder: Path) -> int:
    """Describe, and return the exit status: 0 with a description as the report."""
    os.nice(10)  # running evaluations come first
    return report_on_the_suite(folder, lambda engine, suite: engine.describe(suite))


def try_the_suite(folder: Path) -> int:
    """Try it, and return the exit status: 0 with the outcome as the report, even if there are problems."""

    def tried(engine: Engine, suite: Suite) -> object:
        (folder / BEGUN_FILE).touch()
        return engine.try_suite(suite, partial(write_json, folder / PROGRESS_FILE))

    return report_on_the_suite(folder, tried)


def report_on_the_suite(folder: Path, found: Callable[[Engine, Suite], object]) -> int:
    """Write what is found with the suite's engine as the report, and return the exit status."""
    suite = read_json(folder / JOB_FILE, Suite)
    if suite is None:
        return report_missing_job(folder)
    allow_code(suite)
    try:
        from src.evaluation.engine import engine_of

        engine = engine_of(suite)
    except (ImportError, OSError) as error:
        return report_missing_package(folder, error, suite)
    write_json(folder / REPORT_FILE, found(engine, suite))
    return 0


def serve_orders(suite_file: Path) -> int:
    """Be the warm parent until the worker is gone, and return the exit status."""
    suite = read_json(suite_file, Suite)
    if suite is None:
        return report_missing_job(suite_file.parent)
    # Imports take half a minute, in which no orders are read. No thread may be left when it forks.
    with ending_with(STDIN) if leads_a_session() else nullcontext():
        from src.evaluation.warm import WarmParent, warm_up

        parent = WarmParent(
            {Work.EVALUATE: evaluate_the_model, Work.DESCRIBE: describe_the_suite, Work.TRY: try_the_suite}
        )
        warm_up(suite)
    parent.serve()
    return 0


def report_missing_job(folder: Path) -> int:
    """Log that there is no job, and return the exit status for it."""
    log.error("found no job to run: %s is missing or is not a job", folder / JOB_FILE)
    return 1


def report_missing_package(folder: Path, error: ImportError | OSError, suite: Suite) -> int:
    """Report that a package cannot be imported, and return the exit status for it."""
    log.error("could not import a package that evaluations need", exc_info=error)
    package = getattr(error, "name", None) or "a package"
    remedy = "reinstall the packages in the backend's requirements.txt"
    if package.partition(".")[0] in {*EngineName}:
        remedy = (
            f"install the packages of its engine, or change ENGINE, which is {suite.engine} (docs/engines.md)"
        )
    sentence = (
        f"The worker cannot import {package} ({error}). The leaderboard's owner has to {remedy}; the model "
        "is not at fault."
    )
    write_json(folder / FAILURE_FILE, Failure(End.WORKER, sentence))
    return 1


def allow_code(suite: Suite) -> None:
    """Let tasks execute code that models write, if the owner allows it."""
    if suite.confirm_run_unsafe_code:
        os.environ.update(ALLOW_CODE)


def prepare(work: Work) -> None:
    """Set up this process: end with the worker, log, and set what libraries read when imported."""
    if work is not Work.WARM:  # the warm parent reads orders, and notices their end there
        end_with_the_worker()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(name)s: %(message)s")
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name, value in READ_AT_IMPORT.items():
        os.environ.setdefault(name, value)
    for name in NEVER_IMPORTED:
        sys.modules[name] = None  # type: ignore[assignment]  # As if it were not installed.


def end_with_the_worker() -> None:
    """Kill this process and its children when stdin closes. The worker holds its other end while it lives.

    This applies only to a process that leads its own session, as the worker starts it, and not in a shell.
    """
    if leads_a_session():
        end_with(STDIN)


def leads_a_session() -> bool:
    """Return whether this process leads its own session, as the worker starts it."""
    return os.getsid(0) == os.getpid()


WORKS = {
    Work.EVALUATE: evaluate_the_model,
    Work.DESCRIBE: describe_the_suite,
    Work.TRY: try_the_suite,
    Work.WARM: serve_orders,
}
"""What this program can do."""


if __name__ == "__main__":
    name, place = sys.argv[1:]
    prepare(Work(name))
    sys.exit(WORKS[Work(name)](Path(place)))

"""Run one evaluation: `python -m src.evaluation evaluate FOLDER` leaves a report or a failure beside its job.

With `describe` no model is loaded: the report is then a description of what the job's suite runs, and with
`try` also what is wrong with it. With `warm`
and the file of a suite it becomes the parent of such processes.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from src.evaluation.lifeline import end_with, ending_with
from src.running.job import (
    BEGUN_FILE,
    FAILURE_FILE,
    JOB_FILE,
    PROGRESS_FILE,
    REPORT_FILE,
    End,
    Failure,
    Job,
    Work,
    read_json,
    write_json,
)
from src.running.suite import Suite

log = logging.getLogger(__name__)

STDIN = 0

ROOM_FILE = "room"
ROOM_BYTES = 65_536
"""A file that is removed on a full disk, so that there is room to say so."""

READ_AT_IMPORT = {
    "TQDM_DISABLE": "1",  # A log file is no place for progress bars.
    "OMP_WAIT_POLICY": "PASSIVE",  # Threads that spin while they wait slow a busy machine down.
    "TOKENIZERS_PARALLELISM": "false",
    "DISABLE_SAFETENSORS_CONVERSION": "1",  # Nobody is asked to convert a model's weights.
}
"""Settings of libraries that have to be in the environment before these are imported."""

NEVER_IMPORTED = ("kernels",)
"""It downloads code from the Hub and runs it; transformers would use it for some quantized weights."""

QUIET = ("httpx", "httpcore", "urllib3", "filelock", "fsspec")
"""They log each address that they fetch, and some of these are signed; only their warnings are kept."""

ALLOW_CODE = {"HF_ALLOW_CODE_EVAL": "1"}
"""Without it, what scores code that a model wrote cannot even be imported."""


def evaluate_the_model(folder: Path) -> int:
    """Evaluate, and return the exit status: 0 with a report, 1 with a failure or with neither."""
    job = read_json(folder / JOB_FILE, Job)
    if job is None:
        return report_missing_job(folder)
    allow_code(job)
    # Not at the top: this takes seconds, in which the worker may die already.
    try:
        from src.evaluation.failures import Failed, Step, explained, unexpected
        from src.evaluation.harness import evaluate
    except (ImportError, OSError) as error:
        return report_missing_package(folder, error)

    try:
        with explained(Step.OTHER, job):
            (folder / BEGUN_FILE).touch()
            (folder / ROOM_FILE).write_bytes(bytes(ROOM_BYTES))
            write_json(folder / REPORT_FILE, evaluate(job, partial(write_json, folder / PROGRESS_FILE)))
    except Failed as failed:
        log.exception("could not evaluate %s", job.model)
        (folder / ROOM_FILE).unlink(missing_ok=True)
        write_json(folder / FAILURE_FILE, Failure(failed.end, str(failed)))
        return 1
    except Exception as error:  # the outermost: what happened is told, whatever it was
        log.exception("could not evaluate %s", job.model)
        write_json(folder / FAILURE_FILE, unexpected(error))
        return 1
    log.info("finished %s", job.model)
    return 0


def describe_the_suite(folder: Path) -> int:
    """Describe, and return the exit status: 0 with a description as the report."""
    os.nice(10)  # an evaluation that runs meanwhile comes first
    suite = read_json(folder / JOB_FILE, Suite)
    if suite is None:
        return report_missing_job(folder)
    allow_code(suite)
    from src.evaluation.description import describe

    write_json(folder / REPORT_FILE, describe(suite))
    return 0


def try_the_suite(folder: Path) -> int:
    """Try it, and return the exit status: 0 with the outcome as the report, whatever that is."""
    suite = read_json(folder / JOB_FILE, Suite)
    if suite is None:
        return report_missing_job(folder)
    allow_code(suite)
    (folder / BEGUN_FILE).touch()
    from src.evaluation.trial.trial import try_suite

    write_json(folder / REPORT_FILE, try_suite(suite, partial(write_json, folder / PROGRESS_FILE)))
    return 0


def serve_orders(suite_file: Path) -> int:
    """Be the warm parent until the worker is gone, and return the exit status."""
    suite = read_json(suite_file, Suite)
    if suite is None:
        return report_missing_job(suite_file.parent)
    # Imports take half a minute, in which no orders are read; a thread must not be there when it forks.
    with ending_with(STDIN) if leads_a_session() else nullcontext():
        from src.evaluation.warm import WarmParent, warm_up

        parent = WarmParent(
            {Work.EVALUATE: evaluate_the_model, Work.DESCRIBE: describe_the_suite, Work.TRY: try_the_suite}
        )
        warm_up(suite)
    parent.serve()
    return 0


def report_missing_job(folder: Path) -> int:
    """Log that there is nothing to run, and return the exit status for it."""
    log.error("found no job to run: %s is missing or is not a job", folder / JOB_FILE)
    return 1


def report_missing_package(folder: Path, error: ImportError | OSError) -> int:
    """Tell that nothing can be evaluated without what could not be imported, and return the exit status."""
    log.error("could not import a package that evaluations need", exc_info=error)
    package = getattr(error, "name", None) or "a package"
    sentence = (
        f"The worker cannot import {package} ({error}). The leaderboard's owner has to reinstall the "
        "packages "
        "in the backend's requirements.txt; the model is not at fault."
    )
    write_json(folder / FAILURE_FILE, Failure(End.WORKER, sentence))
    return 1


def allow_code(suite: Suite) -> None:
    """Let tasks execute what models write, if the owner said so."""
    if suite.confirm_run_unsafe_code:
        os.environ.update(ALLOW_CODE)


def prepare(work: Work) -> None:
    """Make this a child of the worker: it ends with it, logs, and has what libraries read at their import."""
    if work is not Work.WARM:  # it reads orders, and sees their end there
        end_with_the_worker()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(name)s: %(message)s")
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name, value in READ_AT_IMPORT.items():
        os.environ.setdefault(name, value)
    for name in NEVER_IMPORTED:
        sys.modules[name] = None  # type: ignore[assignment]  # As if it were not installed.


def end_with_the_worker() -> None:
    """Kill this process and its children when stdin closes: the worker holds its other end while it lives.

    Only in a process that leads its own session, as the worker starts it; not in one started in a shell.
    """
    if leads_a_session():
        end_with(STDIN)


def leads_a_session() -> bool:
    """Whether this process leads its own session, as the worker starts it."""
    return os.getsid(0) == os.getpid()


WORKS = {
    Work.EVALUATE: evaluate_the_model,
    Work.DESCRIBE: describe_the_suite,
    Work.TRY: try_the_suite,
    Work.WARM: serve_orders,
}
"""What this program can be told to do."""


if __name__ == "__main__":
    name, place = sys.argv[1:]
    prepare(Work(name))
    sys.exit(WORKS[Work(name)](Path(place)))

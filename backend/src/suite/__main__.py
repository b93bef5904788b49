"""The command `python -m src.suite`: try the suite once, in a child, and print its problems."""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import os
import sys
from datetime import timedelta
from threading import Event

from src.running.child_environment import clean_environment
from src.running.executor import Executor, ProcessExecutor
from src.running.identity import take_identity
from src.running.job import Ending, Job, Work
from src.running.launchers import ProgramLauncher
from src.running.suite import Suite
from src.running.watch import ChildLimits
from src.settings import Settings
from src.shared.environment import owners_file, read_settings
from src.shared.errors import exit_on_configuration_error
from src.suite.from_settings import make_suite
from src.suite.trial import GOES_ON, trial_from
from src.withdrawn_secrets import withdraw_secrets

WELL, HAS_PROBLEMS, NOT_FOUND_OUT = 0, 1, 3
"""Exit statuses. 2 means a mistake in the settings."""

NAME = "suite"
"""The name of the command's folder on this machine. It is not a worker's, since one may be running."""

NONCE = "trial"
POLL_SECONDS = 0.5

UNANSWERED = (
    "The questions of {} could not be fetched, because the Hub or another site did not answer. Try again "
    "later."
)


def try_here() -> int:
    """Try the suite of the settings, print its problems, and return the exit status."""
    with exit_on_configuration_error():
        secrets = withdraw_secrets()
        settings = read_settings(Settings, owners_file("src.envs"), {**os.environ, **secrets})
        suite = make_suite(settings)
        folder = take_identity(NAME).folder
    ended = Event()
    tester = ProcessExecutor(
        folder,
        limits=ChildLimits(timedelta(hours=settings.max_hours), timedelta(minutes=settings.stuck_minutes)),
        launcher=ProgramLauncher(clean_environment(folder, settings.hf_read_token)),
        work=Work.TRY,
        on_end=ended.set,
    )
    try:
        return print_outcome(wait_for_the_end(tester, suite, ended), suite)
    finally:
        tester.close()


def wait_for_the_end(tester: Executor, suite: Suite, ended: Event) -> Ending:
    """Try the suite, and print progress on standard error."""
    tester.start(NONCE, Job(model=NAME, weights="", commit=None, precision="", **vars(suite)))
    shown = ""
    while not ended.wait(POLL_SECONDS):
        progress = tester.progress().get(NONCE)
        if progress and progress.task and progress.task != shown:
            shown = progress.task
            note = GOES_ON.format(task=shown, done=progress.done, total=len(suite.tasks))
            sys.stderr.write(f"{note}\n")
    return tester.endings()[NONCE]


def print_outcome(ending: Ending, suite: Suite) -> int:
    """Print the outcome of the trial, and return the exit status."""
    trial = trial_from(ending.report)
    if trial is None:
        sys.stderr.write(ending.log.decode(errors="replace"))
        return print_lines(NOT_FOUND_OUT, f"The suite could not be tried: {ending.message or ending.end}")
    unanswered = [UNANSWERED.format(", ".join(trial.unanswered))] if trial.unanswered else []
    if trial.description.problems:
        return print_lines(HAS_PROBLEMS, *trial.description.problems, *unanswered)
    if unanswered:
        return print_lines(NOT_FOUND_OUT, *unanswered)
    return print_lines(WELL, f"The suite has no problems: {', '.join(suite.tasks)}.")


def print_lines(status: int, *sentences: str) -> int:
    """Print sentences, one per line, and return the status."""
    sys.stdout.write("".join(f"{each}\n" for each in sentences))
    return status


if __name__ == "__main__":
    sys.exit(try_here())

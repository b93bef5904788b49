"""Trying the suite by hand, once, in a child: for commands."""

from __future__ import annotations

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
from src.suite.trial import GOES_ON, trial_from

NAME = "suite"
"""The name of the command's folder on this machine. It is not a worker's, since one may be running."""

NONCE = "trial"
POLL_SECONDS = 0.5

UNANSWERED = (
    "The questions of {} could not be fetched, because the Hub or another site did not answer. Try again "
    "later."
)


def try_by_hand(settings: Settings, suite: Suite) -> Ending:
    """Try the suite, print progress on standard error, and return how it ended. Raises ConfigurationError."""
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
        return _wait_for_the_end(tester, suite, ended)
    finally:
        tester.close()


def _wait_for_the_end(tester: Executor, suite: Suite, ended: Event) -> Ending:
    tester.start(NONCE, Job(model=NAME, weights="", commit=None, precision="", **vars(suite)))
    shown = ""
    while not ended.wait(POLL_SECONDS):
        progress = tester.progress().get(NONCE)
        if progress and progress.task and progress.task != shown:
            shown = progress.task
            note = GOES_ON.format(task=shown, done=progress.done, total=len(suite.tasks))
            sys.stderr.write(f"{note}\n")
    return tester.endings()[NONCE]


def outcome_of(ending: Ending, suite: Suite) -> tuple[bool, list[str]]:
    """Return whether the suite was found to be well, and sentences that say so, or what is wrong."""
    trial = trial_from(ending.report)
    if trial is None:
        return False, [f"The suite could not be tried: {ending.message or ending.end}"]
    unanswered = [UNANSWERED.format(", ".join(trial.unanswered))] if trial.unanswered else []
    if trial.description.problems or unanswered:
        return False, [*trial.description.problems, *unanswered]
    return True, [f"The suite has no problems: {', '.join(suite.tasks)}."]

"""Tries the suite for a command, as a worker does at its start, unless the same suite passed before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event

from src.parts import make_tester
from src.running.launchers import Launcher
from src.running.suite import Suite
from src.settings import Settings
from src.shared.data.backend_description import BackendDescription, read_description
from src.shared.data.names import BACKEND_DESCRIPTION
from src.shared.errors import BadFile, ConfigurationError
from src.shared.stores.own_file import own_file
from src.shared.stores.store import Store
from src.suite.announcer import Announcer
from src.suite.trial import SuiteTrial, Verdict

POLL_SECONDS = 0.2

NOT_ANSWERED = (
    "The suite could not be tried, because the Hub or another site did not answer for {}. Try again later."
)


def try_the_suite(
    settings: Settings,
    suite: Suite,
    results: Store,
    *,
    folder: Path,
    launcher: Launcher,
    say: Callable[[str], None],
    announce: bool = False,
    max_model_gb: float | None = None,
) -> BackendDescription:
    """Return the description of a suite that has no problems, published before or found out now.

    With `announce`, one that was found out now is published, so that the page and later commands know it.
    Raises ConfigurationError with the problems of the suite, and StoreError.
    """
    ended = Event()
    before = published_description(results)
    trial = SuiteTrial(results, tester := make_tester(settings, folder, launcher, ended.set), suite)
    try:
        verdict = _verdict(trial, ended, say)
        if verdict.kept:
            return verdict.kept
        assert verdict.description
        if announce:
            announcer = Announcer(
                results,
                tester,
                suite,
                trial=trial,
                space=before.space if before else None,
                queue_order=before.queue_order if before else (),
                max_model_gb=lambda: before.max_model_gb if before else max_model_gb,
            )
            announcer.tick()
        return verdict.description
    finally:
        trial.close()


def _verdict(trial: SuiteTrial, ended: Event, say: Callable[[str], None]) -> Verdict:
    """Wait for the trial's verdict. Raises ConfigurationError unless the suite passed."""
    shown = None
    trial.poll()
    while (verdict := trial.verdict) is None:
        if trial.note and trial.note != shown:
            shown = trial.note
            say(shown)
        ended.wait(POLL_SECONDS)
        ended.clear()
        trial.poll()
    if verdict.problems:
        raise ConfigurationError("\n".join(verdict.problems))
    if verdict.unanswered:
        raise ConfigurationError(NOT_ANSWERED.format(", ".join(verdict.unanswered)))
    return verdict


def published_description(results: Store) -> BackendDescription | None:
    """Return what the backend last said that it runs; None if it said nothing that can be read.

    Raises StoreError.
    """
    try:
        return own_file(results, results.snapshot(), BACKEND_DESCRIPTION, read_description)
    except BadFile:
        return None

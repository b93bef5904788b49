"""Has a child try the suite at the start and after each change of a task file."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from src.queue.retries import RetryTerms
from src.running.executor import Executor
from src.running.job import End, Ending, Job, Progress, Trial
from src.running.suite import Suite
from src.shared.data.backend_description import BackendDescription, read_description
from src.shared.data.names import BACKEND_DESCRIPTION
from src.shared.errors import BadFile, StoreError, named
from src.shared.process.steady import on_the_wall, steady_now
from src.shared.stores.store import Snapshot, Store
from src.shared.times import Clock
from src.suite.task_files import Stamp, fingerprint, stamp

log = logging.getLogger(__name__)

BEGINS = (
    "Trying the suite before any model is claimed: looking for {tasks}. Searching the engine's whole "
    "collection can take a minute."
)
GOES_ON = "Trying the suite before any model is claimed: {task} ({done} of {total})."
NOT_READ = "The suite has not been tried yet: {error}"
NOT_ANSWERED = (
    "The Hub or another site did not answer while the suite was tried ({tasks}). The trial will be retried "
    "at {time:%H:%M:%S} UTC. Until then no model is claimed."
)
BROKE_OFF = (
    "The suite could not be tried, so no model is claimed: {message} This happened {where}; see the worker's "
    "log. The trial will be retried at {time:%H:%M} UTC, or as soon as a task file changes."
)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The outcome of a trial."""

    fingerprint: str
    """Identifies the files, settings and versions that were tried."""
    is_passed: bool = False
    problems: tuple[str, ...] = ()
    """Sentences for the owner."""
    unanswered: tuple[str, ...] = ()
    """The tasks whose questions could not be fetched."""
    description: BackendDescription | None = None
    """The child's description. Without one, the suite must be described separately."""
    kept: BackendDescription | None = None
    """The published description, if the suite passed earlier or in another worker."""
    log: bytes = b""


def published_in(results: Store, snapshot: Snapshot) -> BackendDescription | None:
    """Return the published description; None if there is none that can be understood. Raises StoreError."""
    if BACKEND_DESCRIPTION not in snapshot.files:
        return None
    data = results.read(snapshot, [BACKEND_DESCRIPTION])[BACKEND_DESCRIPTION]
    try:
        return None if isinstance(data, BadFile) else read_description(data)
    except BadFile:
        return None


class SuiteTrial:
    """Tries the suite, unless the published description shows that it passed with the same fingerprint.

    Call `poll` at each tick. It never fails. A trial is retried after a pause if the Hub did not answer, it
    could not be completed, or the suite has problems, since some are fixed elsewhere. `clock` is for
    intervals.
    """

    def __init__(
        self,
        results: Store,
        tester: Executor,
        suite: Suite,
        *,
        clock: Clock = steady_now,
    ) -> None:
        self._results = results
        self._tester = tester
        self._suite = suite
        self._clock = clock
        self._files: Stamp | None = None
        self._fingerprint = ""
        self._number = 0
        self._running: str | None = None
        self._tries = 0
        self._again: datetime | None = None
        self._note: str | None = None
        self._doing = ""
        self.verdict: Verdict | None = None
        """The verdict for the current files; None while it is not known yet."""

    @property
    def note(self) -> str | None:
        """What is being tried or waited for."""
        return self._note

    def poll(self) -> None:
        """Start a trial, continue it, or start again because a file has changed."""
        self._check_files()
        if self._running is None and self.verdict is None and not self._read_kept_verdict():
            return
        if self._running is None and (self.verdict is None or self._is_due()):
            self._start()
        if self._running is not None:
            self._go_on(self._running)

    def close(self) -> None:
        """Stop trying."""
        self._tester.close()

    def _check_files(self) -> None:
        files = stamp(self._suite.tasks_dir)
        if files == self._files:
            return
        self._files, found = files, fingerprint(self._suite, files)
        if found == self._fingerprint:
            return
        if self._fingerprint:
            log.info("a task file has changed: trying the suite again")
        if self._running:
            self._tester.forget(self._running)
        self._fingerprint, self._running, self.verdict = found, None, None
        self._tries, self._again = 0, None

    def _read_kept_verdict(self) -> bool:
        """Take an earlier verdict if one is published. Return whether the results dataset could be read."""
        try:
            kept = published_in(self._results, self._results.snapshot())
        except StoreError as error:
            self._set_note(NOT_READ.format(error=error))
            return False
        if kept and kept.tried == self._fingerprint:
            log.info("the suite passed an earlier trial with the same files, settings and versions")
            self.verdict = Verdict(fingerprint=self._fingerprint, is_passed=True, kept=kept)
            self._set_note(None)
        return True

    def _is_due(self) -> bool:
        return self._again is not None and self._clock() >= self._again

    def _start(self) -> None:
        self._number += 1
        self._running, self._again, self._doing = f"trial-{self._number}", None, ""
        self._set_note(BEGINS.format(tasks=named(self._suite.tasks)))
        job = Job(model=self._running, weights="", commit=None, precision="", **vars(self._suite))
        self._tester.start(self._running, job)

    def _go_on(self, nonce: str) -> None:
        ending = self._tester.endings().get(nonce)
        if ending is None:
            self._follow(self._tester.progress().get(nonce))
            return
        self._running = None
        self._tester.forget(nonce)
        self.verdict = self._verdict(ending)
        if self.verdict.is_passed:
            log.info("tried the suite: it has no problems")
        for problem in self.verdict.problems:
            log.error("%s", problem)
        if self.verdict.problems:
            log.warning("log of the trial:\n%s", ending.log.decode(errors="replace"))

    def _follow(self, progress: Progress | None) -> None:
        if progress and progress.task:
            self._doing = progress.task
            self._set_note(
                GOES_ON.format(task=progress.task, done=progress.done, total=len(self._suite.tasks))
            )

    def _verdict(self, ending: Ending) -> Verdict:
        trial = trial_from(ending.report)
        if trial is None:
            return self._broken_off(ending)
        problems, unanswered = trial.description.problems, trial.unanswered
        is_passed = not problems and not unanswered
        self._set_note(None)
        if is_passed:
            self._tries = 0
        else:
            again = self._later(End.UNREACHABLE)
            if unanswered and not problems:
                self._set_note(NOT_ANSWERED.format(tasks=named(unanswered), time=again))
        return Verdict(
            fingerprint=self._fingerprint,
            is_passed=is_passed,
            problems=problems,
            unanswered=unanswered,
            description=trial.description,
            log=ending.log,
        )

    def _broken_off(self, ending: Ending) -> Verdict:
        where = f"at the task {self._doing}" if self._doing in self._suite.tasks else "at the start"
        again = self._later(End.WORKER)
        message = ending.message or f"its process ended ({ending.end})."
        problem = BROKE_OFF.format(
            message=message.replace("The evaluation", "the trial"), where=where, time=again
        )
        self._set_note(None)
        return Verdict(fingerprint=self._fingerprint, problems=(problem,), log=ending.log)

    def _later(self, end: End) -> datetime:
        """Schedule the next trial, and return its time by the machine's clock."""
        self._tries += 1
        self._again = self._clock() + RetryTerms().pause([end] * self._tries)
        return on_the_wall(self._again)

    def _set_note(self, note: str | None) -> None:
        if note and note != self._note:
            log.info("%s", note)
        self._note = note


def trial_from(report: Mapping[str, object] | None) -> Trial | None:
    """Return the trial that a child reported, or None if this is not the report of one."""
    try:
        return None if report is None else TypeAdapter(Trial).validate_python(report)
    except ValidationError:
        log.exception("cannot read the report of the trial")
        return None

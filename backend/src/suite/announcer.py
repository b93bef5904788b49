"""Publishes what this worker runs: a description in the results dataset, after each start and change."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from src.running.executor import Executor
from src.running.job import Ending, Job
from src.running.suite import Suite
from src.shared.data.backend_description import (
    BackendDescription,
    FleetDescription,
    description_from,
    write_description,
)
from src.shared.data.names import BACKEND_DESCRIPTION, left_behind
from src.shared.data.yaml_file import MAX_BYTES
from src.shared.process.steady import steady_now
from src.shared.stores.conflicts import Commit, update
from src.shared.stores.store import Snapshot, Store, blob_id
from src.shared.times import Clock
from src.shared.version import VERSION
from src.suite.trial import SuiteTrial, Verdict, published_in

log = logging.getLogger(__name__)

DESCRIPTION = "description"
"""Identifies the description for the executor, as a claim's nonce identifies an evaluation."""

TELLS_AGAIN = timedelta(hours=1)
"""How long what a fleet starts for which sizes stays as it was published."""

NOT_TRIED = Verdict(fingerprint="", is_passed=True)
"""The verdict without a trial. The suite is then only described."""


class Announcer:
    """Has the suite tried and described in child processes, and publishes the description if it is new.

    It does so once for each verdict of the trial. Of two workers with different settings, the description of
    the one that started last remains. Without a `trial` the suite is only described. A member of a fleet
    leaves the fleet's limits as the dispatcher wrote them. `clock` is for intervals.
    """

    def __init__(
        self,
        results: Store,
        describer: Executor,
        suite: Suite,
        *,
        trial: SuiteTrial | None = None,
        space: str | None = None,
        queue_order: tuple[str, ...] = (),
        max_model_gb: Callable[[], float | None] = lambda: None,
        fleet: Callable[[], FleetDescription | None] = lambda: None,
        is_member: bool = False,
        clock: Clock = steady_now,
    ) -> None:
        self._results = results
        self._describer = describer
        self._suite = suite
        self._trial = trial
        self._space = space
        self._queue_order = queue_order
        self._max_model_gb = max_model_gb
        self._fleet = fleet
        self._is_member = is_member
        self._clock = clock
        self._limits_told: datetime | None = None
        self._described: Verdict | None = None
        self._announced: Verdict | None = None
        self._latest: BackendDescription | None = None
        self.problems: tuple[str, ...] = ()
        """Sentences for the owner."""

    @property
    def is_done(self) -> bool:
        """Whether the current verdict has been announced."""
        verdict = self._verdict
        return verdict is not None and verdict is self._announced

    @property
    def note(self) -> str | None:
        """A sentence for the owner about a running trial."""
        return self._trial.note if self._trial else None

    @property
    def _verdict(self) -> Verdict | None:
        return self._trial.verdict if self._trial else NOT_TRIED

    def may_claim(self) -> bool:
        """Return whether models may be claimed: the suite was tried and has no problems."""
        verdict = self._verdict
        return verdict is not None and verdict.is_passed

    def has_problems(self) -> bool:
        """Return whether the suite was tried and cannot be run as it is."""
        verdict = self._verdict
        return verdict is not None and bool(verdict.problems)

    def poll(self) -> None:
        """Advance the trial. Never raises an error."""
        if self._trial:
            self._trial.poll()

    def tick(self) -> None:
        """Publish the verdict of the trial, if it is new.

        Raises StoreError when it cannot be published. The next tick retries it.
        """
        verdict = self._verdict
        if verdict is not None and verdict is self._announced:
            self._keep_up()
        if verdict is None or verdict is self._announced:
            return
        self.problems = verdict.problems
        if verdict.description is not None:
            self._announce(verdict.description, verdict)
        elif (ending := self._describe(verdict)) is not None:
            self._announce_ending(ending, verdict)

    def close(self) -> None:
        """Stop trying and describing."""
        if self._trial:
            self._trial.close()
        self._describer.close()

    def _describe(self, verdict: Verdict) -> Ending | None:
        """Start a description if the trial has made none, or return how that ended."""
        if self._described is not verdict:
            self._described = verdict
            self._describer.start(DESCRIPTION, self._job())
        return self._describer.endings().get(DESCRIPTION)

    def _job(self) -> Job:
        """Return a job with the suite and no model."""
        return Job(model=DESCRIPTION, weights="", commit=None, precision="", **vars(self._suite))

    def _announce_ending(self, ending: Ending, verdict: Verdict) -> None:
        if ending.report is None:
            sentence = f"This worker could not describe its suite ({ending.end}): see its log."
            self.problems = (*verdict.problems, sentence)
            log.error("%s\n%s", sentence, ending.log.decode(errors="replace"))
            self._announced = verdict
        else:
            self._announce(description_from(ending.report), verdict)
            if self.problems != verdict.problems:
                log.error("%s\n%s", "\n".join(self.problems), ending.log.decode(errors="replace"))
        self._describer.forget(DESCRIPTION)

    def _announce(self, description: BackendDescription, verdict: Verdict) -> None:
        problems = tuple(dict.fromkeys((*verdict.problems, *description.problems)))
        complete = replace(
            with_kept_examples(description, verdict.kept),
            problems=problems,
            version=VERSION,
            space=self._space,
            queue_order=self._queue_order,
            tried=(verdict.fingerprint or None) if verdict.is_passed and not problems else None,
        )
        self._publish(complete)
        self.problems = problems
        self._announced = verdict

    def tell_limits(self) -> None:
        """Publish the limits of today in the description that is there, if any. Raises StoreError."""
        published = published_in(self._results, self._results.snapshot())
        if published:
            self._publish(published)

    def _keep_up(self) -> None:
        """Publish the description again if the limits have changed. Raises StoreError.

        What the fleet starts for which sizes changes with every few evaluations: that waits for an hour.
        """
        if (
            self._latest is None
            or self._is_member
            or self._latest == (now := self._with_limits(self._latest))
        ):
            return
        is_urgent = now.max_model_gb != self._latest.max_model_gb or self._latest.fleet is None
        told = self._limits_told
        if is_urgent or told is None or self._clock() - told >= TELLS_AGAIN:
            self._publish(self._latest)

    def _with_limits(
        self, description: BackendDescription, published: BackendDescription | None = None
    ) -> BackendDescription:
        """Return a description with the limits of today, or of a dispatcher that has published them."""
        if self._is_member and published and published.fleet:
            return replace(description, max_model_gb=published.max_model_gb, fleet=published.fleet)
        return replace(description, max_model_gb=self._limit(), fleet=self._fleet())

    def _limit(self) -> float | None:
        """Return the largest weights in GB, as people write them."""
        most = self._max_model_gb()
        return None if most is None else float(f"{most:.3g}")

    def _publish(self, description: BackendDescription) -> None:
        """Commit the file with the limits of today, unless it is already published. Raises StoreError."""

        def decide(snapshot: Snapshot) -> Commit | None:
            published = published_in(self._results, snapshot) if self._is_member else None
            self._latest = self._with_limits(description, published)
            data = written_within_bounds(self._latest)
            if snapshot.files.get(BACKEND_DESCRIPTION) == blob_id(data):
                return None
            return Commit(
                snapshot,
                "describe what the backend runs",
                add={BACKEND_DESCRIPTION: data},
                delete=left_behind([BACKEND_DESCRIPTION], snapshot.files),
            )

        update(self._results, self._results.snapshot, decide)
        self._limits_told = self._clock()


def written_within_bounds(description: BackendDescription) -> bytes:
    """Return the file, without the example questions if they would make it too large to read."""
    data = write_description(description)
    if len(data) <= MAX_BYTES:
        return data
    tasks = tuple(replace(task, example=None) for task in description.tasks)
    return write_description(replace(description, tasks=tasks))


def with_kept_examples(
    description: BackendDescription, kept: BackendDescription | None
) -> BackendDescription:
    """Add the example questions that an earlier trial published for the same tasks."""
    examples = {task.name: task.example for task in kept.tasks} if kept else {}
    tasks = (replace(task, example=task.example or examples.get(task.name)) for task in description.tasks)
    return replace(description, tasks=tuple(tasks))

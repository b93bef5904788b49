"""Announces what this worker runs: a description in the results dataset, after each start and each change."""

from __future__ import annotations

import logging
from dataclasses import replace

from src.running.executor import Executor
from src.running.job import Ending, Job
from src.running.suite import Suite
from src.shared.data.backend_description import BackendDescription, description_from, write_description
from src.shared.data.names import BACKEND_DESCRIPTION, left_behind
from src.shared.data.yaml_file import MAX_BYTES
from src.shared.errors import Conflict, StoreError
from src.shared.stores.conflicts import TRIES, tries
from src.shared.stores.store import Store, blob_id
from src.shared.version import VERSION
from src.suite.trial import SuiteTrial, Verdict

log = logging.getLogger(__name__)

DESCRIPTION = "description"
"""Names the description for the executor, as a claim's nonce names an evaluation."""

NOT_TRIED = Verdict(fingerprint="", is_passed=True)
"""Where nothing is tried, the suite is only described."""


class Announcer:
    """Has the suite tried and described in a child of its own, and publishes what that says, if it is news.

    Once for each verdict of the trial: of two workers with different settings, the one that started last is
    described. Without a `trial` the suite is only described. `problems` are sentences for the owner.
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
        max_model_gb: float | None = None,
    ) -> None:
        self._results = results
        self._describer = describer
        self._suite = suite
        self._trial = trial
        self._space = space
        self._queue_order = queue_order
        self._max_model_gb = max_model_gb
        self._described: Verdict | None = None
        self._announced: Verdict | None = None
        self.problems: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether everything that is known was announced."""
        verdict = self._verdict
        return verdict is not None and verdict is self._announced

    @property
    def note(self) -> str | None:
        """What the owner should know of a trial under way."""
        return self._trial.note if self._trial else None

    @property
    def _verdict(self) -> Verdict | None:
        return self._trial.verdict if self._trial else NOT_TRIED

    def may_claim(self) -> bool:
        """Whether models may be claimed: the suite was tried and has no problems."""
        verdict = self._verdict
        return verdict is not None and verdict.is_passed

    def has_problems(self) -> bool:
        """Whether the suite was tried and may not be run as it is."""
        verdict = self._verdict
        return verdict is not None and bool(verdict.problems)

    def look(self) -> None:
        """See how the trial goes; it never fails."""
        if self._trial:
            self._trial.look()

    def tick(self) -> None:
        """Publish what the last look has shown, if it is new.

        Raises StoreError when it cannot be published; the next tick tries again.
        """
        verdict = self._verdict
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
        """Begin to describe what no trial has described, or return how that ended."""
        if self._described is not verdict:
            self._described = verdict
            self._describer.start(DESCRIPTION, self._job())
        return self._describer.endings().get(DESCRIPTION)

    def _job(self) -> Job:
        """The suite without a model."""
        return Job(model=DESCRIPTION, weights="", commit=None, precision="", **vars(self._suite))

    def _announce_ending(self, ending: Ending, verdict: Verdict) -> None:
        if ending.report is None:
            sentence = f"This worker could not describe what it runs ({ending.end}): see its log."
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
        told = replace(
            with_kept_examples(description, verdict.kept),
            problems=problems,
            version=VERSION,
            space=self._space,
            queue_order=self._queue_order,
            max_model_gb=self._max_model_gb,
            tried=(verdict.fingerprint or None) if verdict.is_passed and not problems else None,
        )
        self._publish(written_within_bounds(told))
        self.problems = problems
        self._announced = verdict

    def _publish(self, data: bytes) -> None:
        """Commit the file, unless it is there already."""
        for _ in tries():
            snapshot = self._results.snapshot()
            if snapshot.files.get(BACKEND_DESCRIPTION) == blob_id(data):
                return
            try:
                self._results.commit(
                    add={BACKEND_DESCRIPTION: data},
                    delete=left_behind([BACKEND_DESCRIPTION], snapshot.files),
                    message="describe what the backend runs",
                    parent=snapshot,
                )
            except Conflict:
                continue
            log.info("published %s", BACKEND_DESCRIPTION)
            return
        raise StoreError(
            f"Could not publish {BACKEND_DESCRIPTION} to {self._results}: others wrote to it at each of "
            f"{TRIES} tries."
        )


def written_within_bounds(description: BackendDescription) -> bytes:
    """The file, without the questions of the tasks if nobody would read it because of them."""
    data = write_description(description)
    if len(data) <= MAX_BYTES:
        return data
    tasks = tuple(replace(task, example=None) for task in description.tasks)
    return write_description(replace(description, tasks=tasks))


def with_kept_examples(
    description: BackendDescription, kept: BackendDescription | None
) -> BackendDescription:
    """With the questions that an earlier trial published of the same tasks."""
    examples = {task.name: task.example for task in kept.tasks} if kept else {}
    tasks = (replace(task, example=task.example or examples.get(task.name)) for task in description.tasks)
    return replace(description, tasks=tuple(tasks))

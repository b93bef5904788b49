"""Announces what this worker runs: `index/backend.yaml` in the results dataset, once after each start."""

from __future__ import annotations

import logging
from dataclasses import replace

from src.executor import Executor
from src.job import Ending, Job
from src.shared.backend_description import description_from, write_description
from src.shared.conflicts import TRIES, tries
from src.shared.errors import Conflict, StoreError
from src.shared.names import BACKEND_DESCRIPTION
from src.shared.store import Store, blob_id
from src.suite import Suite

log = logging.getLogger(__name__)

DESCRIPTION = "description"
"""Names the description for the executor, as a claim's nonce names an evaluation."""


class Announcer:
    """Describes the suite in a child of its own, and publishes the description if it says anything new.

    Once only: of two workers with different settings, the one that started last is described. `problems` are
    sentences for the owner.
    """

    def __init__(
        self,
        results: Store,
        describer: Executor,
        suite: Suite,
        *,
        space: str | None = None,
        queue_order: tuple[str, ...] = (),
        max_model_gb: float | None = None,
    ) -> None:
        self._results = results
        self._describer = describer
        self._suite = suite
        self._space = space
        self._queue_order = queue_order
        self._max_model_gb = max_model_gb
        self._is_begun = False
        self.is_done = False
        self.problems: tuple[str, ...] = ()

    def tick(self) -> None:
        """Begin, or go on once the description is there.

        Raises StoreError when it cannot be published; the next tick tries again.
        """
        if not self._is_begun:
            self._is_begun = True
            self._describer.start(DESCRIPTION, self._job())
        ending = self._describer.endings().get(DESCRIPTION)
        if ending is None:
            return
        self._announce(ending)
        self._describer.forget(DESCRIPTION)
        self.is_done = True

    def close(self) -> None:
        """Stop describing."""
        self._describer.close()

    def _job(self) -> Job:
        """The suite without a model."""
        return Job(model=DESCRIPTION, weights="", commit=None, precision="", **vars(self._suite))

    def _announce(self, ending: Ending) -> None:
        if ending.report is None:
            self._tell((f"This worker could not describe what it runs ({ending.end}): see its log.",), ending)
            return
        description = replace(
            description_from(ending.report),
            space=self._space,
            queue_order=self._queue_order,
            max_model_gb=self._max_model_gb,
        )
        self._publish(write_description(description))
        self._tell(description.problems, ending)

    def _tell(self, problems: tuple[str, ...], ending: Ending) -> None:
        self.problems = problems
        if problems:
            log.error("%s\n%s", "\n".join(problems), ending.log.decode(errors="replace"))

    def _publish(self, data: bytes) -> None:
        """Commit the file, unless it is there already."""
        for _ in tries():
            snapshot = self._results.snapshot()
            if snapshot.files.get(BACKEND_DESCRIPTION) == blob_id(data):
                return
            try:
                self._results.commit(
                    add={BACKEND_DESCRIPTION: data}, message="describe what the backend runs", parent=snapshot
                )
            except Conflict:
                continue
            log.info("published %s", BACKEND_DESCRIPTION)
            return
        raise StoreError(
            f"Could not publish {BACKEND_DESCRIPTION} to {self._results}: others wrote to it at each of "
            f"{TRIES} tries."
        )

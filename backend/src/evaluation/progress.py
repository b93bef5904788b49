"""How far the running task is: the requests that lm_eval has answered are counted and told as they come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from src.running.job import Progress

SECONDS_BETWEEN = 0.25
"""The least time between two tellings of a task, but for its first and last."""

OnProgress = Callable[[Progress], None]


class ProgressMeter:
    """The progress of one task after the other. To lm_eval it is the "cache hook" of the model."""

    def __init__(self, on_progress: OnProgress, clock: Callable[[], float] = time.monotonic) -> None:
        self._on_progress = on_progress
        self._clock = clock
        self._reported_at = 0.0
        self._now = Progress("", 0, 0)

    def start(self, task: str) -> None:
        """Begin to count for this task."""
        self._now = Progress(task, 0, 0)

    def expect(self, requests: int) -> None:
        """Expect more requests of this task; one that asks in several ways comes with each in turn."""
        self._now = Progress(self._now.task, self._now.done, self._now.total + requests)
        self._report()

    def add_partial(self, kind: str, request: Any, answer: Any) -> None:
        """Count one answered request: lm_eval calls this for each."""
        self._now = Progress(self._now.task, self._now.done + 1, self._now.total)
        if self._clock() - self._reported_at >= SECONDS_BETWEEN:
            self._report()

    def finish(self) -> None:
        """Tell how far the task came in the end."""
        self._report()

    def _report(self) -> None:
        self._on_progress(self._now)
        self._reported_at = self._clock()

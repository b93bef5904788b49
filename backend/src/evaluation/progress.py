"""Counts the requests that the engine has answered, and reports the progress of the running task."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from src.running.job import Progress

SECONDS_BETWEEN = 0.25
"""The least time between two reports of a task, except its first and last."""

OnProgress = Callable[[Progress], None]
"""Takes reports of progress."""


class ProgressMeter:
    """Measures the progress of one task after another. lm_eval sees it as the model's "cache hook"."""

    def __init__(self, on_progress: OnProgress, clock: Callable[[], float] = time.monotonic) -> None:
        self._on_progress = on_progress
        self._clock = clock
        self._reported_at = 0.0
        self._now = Progress("", 0, 0)

    def start(self, task: str) -> None:
        """Start counting for this task."""
        self._now = Progress(task, 0, 0)

    def expect(self, requests: int) -> None:
        """Expect more requests of this task. A task with several kinds of requests calls this for each."""
        self._now = Progress(self._now.task, self._now.done, self._now.total + requests)
        self._report()

    def add_partial(self, kind: str, request: Any, answer: Any) -> None:
        """Count one answered request. lm_eval calls this for each."""
        self.count(1)

    def count(self, requests: int) -> None:
        """Count answered requests."""
        self._now = Progress(self._now.task, self._now.done + requests, self._now.total)
        if self._clock() - self._reported_at >= SECONDS_BETWEEN:
            self._report()

    def finish(self) -> None:
        """Report how far the task has come."""
        self._report()

    def _report(self) -> None:
        self._on_progress(self._now)
        self._reported_at = self._clock()

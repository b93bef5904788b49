"""Threads for calls to the Hub, apart from the page's threads, and a rule that only one of them computes at a
time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, local
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")

LONGEST_REST_SECONDS = 0.25


class Threads:
    """A number of dedicated threads. If all are busy, callers wait without one."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._limiter: CapacityLimiter | None = None  # made at the first call: it belongs to the event loop

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what a function returns that may take long."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(self._number)
        return await to_thread.run_sync(function, *arguments, limiter=self._limiter)


class OneAtATime:
    """A block that one thread at a time is in. It may leave the block to wait for something.

    Inside, threads compute. The next one enters after a pause as long as the last stay: the page has the
    processor then.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._here = local()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Wait until nobody else is inside, then enter."""
        with self._lock:
            self._here.is_inside = True
            begun = time.thread_time()
            try:
                yield
            finally:
                self._here.is_inside = False
                time.sleep(min(time.thread_time() - begun, LONGEST_REST_SECONDS))

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Let others in for as long as this takes, if it is this thread that is inside."""
        if not getattr(self._here, "is_inside", False):
            yield
            return
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()

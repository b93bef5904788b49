"""Does something every so often in a thread of its own, whatever the machine's clock does."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread

log = logging.getLogger(__name__)


class Loop:
    """Does its work at once, then every so often, and sooner when it is woken; never twice at a time.

    Work that takes longer than that leaves out the times that it missed. An exception ends no loop.
    """

    def __init__(self, work: Callable[[], None], every: timedelta) -> None:
        self._work = work
        self._every = every.total_seconds()
        self._woken = Event()
        self._is_ending = False
        # A daemon: a process whose main thread failed must not live on for it.
        self._thread = Thread(target=self._run, name=getattr(work, "__qualname__", "loop"), daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Work now; if work is under way, once more after it."""
        self._woken.set()

    def stop(self, *, wait: bool = True) -> None:
        """Begin no more work, and wait until what is under way ends."""
        self._is_ending = True
        self._woken.set()
        if wait and self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._woken.clear()  # before the look at the end, which comes with a wake
            if self._is_ending:
                return
            begun = time.monotonic()
            try:
                self._work()
            except Exception:
                log.exception("%s failed; it will be retried", self._thread.name)
            self._woken.wait(self._every - (time.monotonic() - begun) % self._every)

"""The worker's outermost loop: ticks on a schedule, and at once when woken."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from src.shared.errors import LeaderboardError
from src.shared.process.loop import Loop
from src.shared.process.steady import Leaps, steady_now
from src.shared.times import Clock

log = logging.getLogger(__name__)


LATE_AFTER = timedelta(minutes=5)
"""Longer than any tick should take, since every call to the Hub has a timeout."""


class Ticker:
    """Ticks at regular intervals, never twice at a time, and watches for leaps of the machine's clock.

    A tick that fails is reported and retried; it never ends the worker. `clock` is for intervals.
    """

    def __init__(self, every: timedelta, *, leaps: Leaps | None = None, clock: Clock = steady_now) -> None:
        self._loop = Loop(self._tick, every)
        self._every = every
        self._clock = clock
        self._work: Callable[[], None] = lambda: None
        self.leaps = leaps or Leaps()
        self.problem = ""
        self.last: datetime | None = None
        """When the last tick ended, by the steady clock."""
        self._started: datetime | None = None

    def start(self, tick: Callable[[], None]) -> None:
        """Start ticking, at once."""
        self._work = tick
        self._started = self._clock()
        self._loop.start()

    def is_on_time(self, last: datetime | None) -> bool:
        """Return whether `last` is recent enough for something that every tick does.

        Before the first tick, the start counts.
        """
        last = last or self._started
        return last is not None and self._clock() - last <= self._every + LATE_AFTER

    def wake(self) -> None:
        """Tick now. If a tick is running, tick once more after it."""
        self._loop.wake()

    def stop(self) -> None:
        """Stop ticking. A running tick ends first."""
        self._loop.stop()

    def _tick(self) -> None:
        self.leaps.check()
        try:
            self._work()
            self.problem = ""
        except LeaderboardError as error:
            log.error("%s", error)
            self.problem = str(error)
        except Exception as error:
            log.exception("a tick failed")
            name = type(error).__name__
            self.problem = (
                f"A tick failed with an unexpected error ({name}) and will be retried: see the log."
            )
        self.last = self._clock()

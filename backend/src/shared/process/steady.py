"""Time for intervals inside a process, which goes on evenly, and a watch for leaps of the clock."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from threading import Lock

from ..times import Clock, to_text, utc_now

log = logging.getLogger(__name__)

SMALLEST_LEAP = timedelta(minutes=1)
"""Smaller changes are normal corrections of the clock."""

_BEGAN, _BEGAN_AT = utc_now(), time.monotonic()


def steady_now() -> datetime:
    """Return the time as if nobody had set the clock since this process began.

    Compare it only with earlier values from this process. Files hold `utc_now`.
    """
    return _BEGAN + timedelta(seconds=time.monotonic() - _BEGAN_AT)


def on_the_wall(time: datetime) -> datetime:
    """Return the wall-clock time of a time of `steady_now`, for people."""
    leapt = utc_now() - steady_now()
    return time + timedelta(seconds=round(leapt.total_seconds()))


class Leaps:
    """Notices when the machine's clock leaps. It may be used by several threads."""

    def __init__(self, wall: Clock = utc_now, steady: Clock = steady_now) -> None:
        self._wall, self._steady = wall, steady
        self._ahead = wall() - steady()
        self._lock = Lock()
        self.last: str | None = None
        """A sentence about the last leap."""

    def check(self) -> None:
        """Compare the machine's clock with the steady one, and log a leap since the last check."""
        with self._lock:
            now = self._wall()
            ahead = now - self._steady()
            leap, self._ahead = ahead - self._ahead, ahead
            if abs(leap) <= SMALLEST_LEAP:
                return
            way = "ahead" if leap > timedelta() else "back"
            by = timedelta(seconds=round(abs(leap).total_seconds()))
            self.last = f"The machine's clock leapt {way} by {by} (h:mm:ss), to {to_text(now)}."
        log.warning("%s Times that were written before or after it may be wrong.", self.last)

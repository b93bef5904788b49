"""Time for intervals inside a process, which goes on evenly, and a watch for leaps of the clock."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from threading import Lock

from ..times import Clock, to_text, utc_now

log = logging.getLogger(__name__)

SMALLEST_LEAP = timedelta(minutes=1)
"""Less is how clocks are put right from time to time."""

_BEGAN, _BEGAN_AT = utc_now(), time.monotonic()


def steady_now() -> datetime:
    """Return the time that it would be if nobody had set the clock since this process began.

    Compare it only with what it returned earlier in this process. Files hold `utc_now`.
    """
    return _BEGAN + timedelta(seconds=time.monotonic() - _BEGAN_AT)


def on_the_wall(time: datetime) -> datetime:
    """Return what the machine's clock says at a time of `steady_now`, for people."""
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
        """Compare the machine's clock with the steady one, and log a leap since the last look."""
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

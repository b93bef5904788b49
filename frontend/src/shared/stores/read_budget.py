"""The budget of reads: the Hub delivers 5,000 files in five minutes to a free account, and no more."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from threading import Lock

from ..process.steady import steady_now
from ..times import Clock

WINDOW = timedelta(minutes=5)

LIMIT = 4_500
"""What one Space takes of the Hub's 5,000: something is left to those who use the same token."""


class ReadBudget:
    """The files of the last five minutes that this process read. It may be used by several threads."""

    def __init__(self, limit: int = LIMIT, clock: Clock = steady_now) -> None:
        self._limit = limit
        self._clock = clock
        self._spent: deque[tuple[datetime, int]] = deque()
        self._lock = Lock()

    def spend(self, number: int) -> datetime | None:
        """Count so many reads, all or none. None when they may be made, else the time from which they may.

        More than the limit at once may be made when none were made in the last five minutes.
        """
        with self._lock:
            now = self._clock()
            while self._spent and self._spent[0][0] <= now - WINDOW:
                self._spent.popleft()
            too_many = sum(spent for _, spent in self._spent) + number - self._limit
            if too_many <= 0 or not self._spent:
                self._spent.append((now, number))
                return None
            until = now
            for time, spent in self._spent:
                until = time + WINDOW
                too_many -= spent
                if too_many <= 0:
                    break
            return until

"""How often a dataset is committed to: the Hub takes about 128 commits an hour, from all writers together."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from threading import Lock

from .times import Clock, utc_now

WINDOW = timedelta(hours=1)

FREE = 60
"""So many commits within an hour are made as they come."""

MOST = 110
"""At so many, every commit waits as long as it can: the rest is for what others add meanwhile."""


class Pace:
    """The commits of the last hour that were seen, own ones and others', and how long the next should wait.

    Who writes seldom is never slowed down. A store in a folder has no limit and notes nothing.
    """

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._seen: deque[datetime] = deque()
        self._lock = Lock()

    def note(self) -> None:
        """Remember that there was a commit just now."""
        with self._lock:
            self._seen.append(self._clock())

    @property
    def commits(self) -> int:
        """How many were seen in the last hour."""
        with self._lock:
            while self._seen and self._seen[0] <= self._clock() - WINDOW:
                self._seen.popleft()
            return len(self._seen)

    def pause(self, longest: timedelta) -> timedelta:
        """How long to gather what is to be written, so that the commits of an hour stay under the limit."""
        share = (self.commits - FREE) / (MOST - FREE)
        return longest * min(max(share, 0.0), 1.0)

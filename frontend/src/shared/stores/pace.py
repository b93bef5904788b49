"""How often a dataset is committed to: the Hub takes about 128 commits an hour, from all writers together."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from math import ceil
from threading import Lock

from ..process.steady import steady_now
from ..times import Clock

WINDOW = timedelta(hours=1)

LIMIT = 120
"""What the Hub takes, less a few that nobody counted."""


class Pace:
    """The commits of the last hour that were seen, own ones and others', and how long the next should wait.

    A store in a folder has no limit and notes nothing.
    """

    def __init__(self, limit: float = LIMIT, clock: Clock = steady_now) -> None:
        self._limit = limit
        self._clock = clock
        self._seen: deque[datetime] = deque()
        self._lock = Lock()

    def note(self, commits: int = 1) -> None:
        """Remember that there were so many commits just now."""
        with self._lock:
            self._seen.extend([self._clock()] * commits)

    def fill(self) -> None:
        """The Hub has said that it takes no more."""
        self.note(max(0, ceil(self._limit) - self.commits))

    @property
    def commits(self) -> int:
        """How many were seen in the last hour."""
        with self._lock:
            while self._seen and self._seen[0] <= self._clock() - WINDOW:
                self._seen.popleft()
            return len(self._seen)

    @property
    def share(self) -> float:
        """The commits of the last hour as a share of what the Hub takes."""
        return self.commits / self._limit

    @property
    def is_full(self) -> bool:
        """Whether the Hub would hardly take one more."""
        return self.share >= 1

    def pause(self, longest: timedelta, *, begins: float, longest_from: float) -> timedelta:
        """How long to gather what is to be written, so that the commits of an hour stay under the limit.

        Up to one fraction of the limit it is written as it comes; from there on each commit waits longer, up
        to another fraction.
        """
        share = (self.share - begins) / (longest_from - begins)
        return longest * min(max(share, 0.0), 1.0)

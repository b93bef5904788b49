"""How much of what the Hub allows is used: commits in an hour, files read in five minutes."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from math import ceil
from threading import Lock

from ..process.steady import steady_now
from ..times import Clock

COMMITS = 120
"""In an hour, to one repository, by all writers: the Hub takes 128, and some go uncounted."""

READS = 4_500
"""In five minutes, by one Space. The Hub delivers 5,000 files to a free account; others may use its token."""

COMMITS_WINDOW, READS_WINDOW = timedelta(hours=1), timedelta(minutes=5)


class Budget:
    """A limit on how much is used in any window of time. It may be used by several threads."""

    def __init__(self, limit: float, window: timedelta, clock: Clock = steady_now) -> None:
        self.limit = limit
        self._window = window
        self._clock = clock
        self._spent: deque[tuple[datetime, int]] = deque()
        self._lock = Lock()

    def note(self, number: int = 1) -> None:
        """Count this many as used just now, whether the limit allows them or not."""
        with self._lock:
            self._spent.append((self._clock(), number))

    def spend(self, number: int) -> datetime | None:
        """Count this many as used, all or none. None if the limit allows it, else the time when it will.

        More than the limit at once is allowed when nothing was used in the window.
        """
        with self._lock:
            too_many = self._used() + number - self.limit
            if too_many <= 0 or not self._spent:
                self._spent.append((self._clock(), number))
                return None
            until = self._spent[0][0]
            for time, spent in self._spent:
                until = time + self._window
                too_many -= spent
                if too_many <= 0:
                    break
            return until

    @property
    def used(self) -> int:
        """How much was used in the window that ends now."""
        with self._lock:
            return self._used()

    def _used(self) -> int:
        while self._spent and self._spent[0][0] <= self._clock() - self._window:
            self._spent.popleft()
        return sum(number for _, number in self._spent)


class ReadBudget(Budget):
    """The files that this process read in the last five minutes."""

    def __init__(self, limit: float = READS, clock: Clock = steady_now) -> None:
        super().__init__(limit, READS_WINDOW, clock)


class Pace(Budget):
    """The commits to one dataset in the last hour, our own and others', and how long the next should wait.

    A store in a folder has no limit and notes nothing.
    """

    def __init__(self, limit: float = COMMITS, clock: Clock = steady_now) -> None:
        super().__init__(limit, COMMITS_WINDOW, clock)

    def fill(self) -> None:
        """Note that the Hub takes no more."""
        self.note(max(0, ceil(self.limit) - self.used))

    @property
    def share(self) -> float:
        """The commits of the last hour as a share of what the Hub takes."""
        return self.used / self.limit

    @property
    def is_full(self) -> bool:
        """Whether the Hub would hardly take one more."""
        return self.share >= 1

    def pause(self, longest: timedelta, *, begins: float, longest_from: float) -> timedelta:
        """How long to gather changes before the next commit, so that an hour's commits stay under the limit.

        There is no pause up to the share `begins`; from there it grows, to `longest` at `longest_from`.
        """
        share = (self.share - begins) / (longest_from - begins)
        return longest * min(max(share, 0.0), 1.0)

"""When a child is stopped; the children here are no processes, and the time is made up."""

import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from src.job import End
from src.watch import Limits, watch

LIMITS = Limits(timedelta(hours=2), silence=timedelta(minutes=10))


class Silent:
    """A child that runs on and never writes; it begins at some minute, and every wait takes one minute."""

    fault = None

    def __init__(self, begins: int) -> None:
        self._begins = begins
        self.minutes = 0

    @property
    def pid(self) -> int | None:
        return 10**7 if self.minutes >= self._begins else None

    def wait(self, timeout: float) -> int:
        self.minutes += 1
        raise subprocess.TimeoutExpired("a child", timeout)

    def kill(self) -> None: ...

    def close(self) -> None: ...

    @property
    def clock(self) -> Callable[[], float]:
        return lambda: self.minutes * 60.0


def test_a_child_that_has_not_begun_is_not_stuck(tmp_path: Path) -> None:
    child = Silent(begins=30)
    ending = watch(child, tmp_path, LIMITS, child.clock)
    assert ending
    assert (ending.end, child.minutes) == (End.STUCK, 39)


def test_a_child_that_never_begins_is_over_its_time_at_last(tmp_path: Path) -> None:
    child = Silent(begins=10**6)
    ending = watch(child, tmp_path, LIMITS, child.clock)
    assert ending
    assert (ending.end, child.minutes) == (End.OVER_TIME, 120)

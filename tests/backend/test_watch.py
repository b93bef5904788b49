"""When a child is stopped; the children here are no processes, and the time is made up."""

import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from src.running.job import End
from src.running.watch import ChildLimits, watch


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


@pytest.mark.parametrize(
    ("limits", "end", "minutes"),
    [
        (ChildLimits(timedelta(hours=2), silence=timedelta(minutes=10)), End.STUCK, 10),
        (ChildLimits(timedelta(hours=2)), End.OVER_TIME, 120),
    ],
)
@pytest.mark.parametrize("begins", [0, 30, 150])
def test_time_counts_from_the_begin_of_a_child(
    tmp_path: Path, limits: ChildLimits, end: End, minutes: int, begins: int
) -> None:
    """One that has not begun waits for its warm parent, and its model is not at fault."""
    child = Silent(begins)
    ending = watch(child, tmp_path, limits, child.clock)
    assert ending
    assert ending.end is end
    last_look_before = begins - 1 if begins else 0
    assert child.minutes == last_look_before + minutes

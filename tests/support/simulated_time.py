"""A clock that another process moves, a step at a time: an hour passes in seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Condition

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


class SimulatedClock:
    """Tells the simulated time. `sleep` returns when that time has come."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._alarms: list[float] = []
        self._moved = Condition()

    def __call__(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    @property
    def somebody_sleeps(self) -> bool:
        """Whether a thread waits for a time that is yet to come."""
        with self._moved:
            return any(alarm > self.seconds for alarm in self._alarms)

    def sleep(self, seconds: float) -> None:
        with self._moved:
            alarm = self.seconds + seconds
            self._alarms.append(alarm)
            self._moved.wait_for(lambda: self.seconds >= alarm)
            self._alarms.remove(alarm)

    def move_to(self, seconds: float) -> None:
        with self._moved:
            self.seconds = seconds
            self._moved.notify_all()


def steps(clock: SimulatedClock, answer: Callable[[], object]) -> Iterator[float]:
    """Each time that the other process says, on standard input; when a step is done it is answered."""
    for line in sys.stdin:
        clock.move_to(float(line))
        yield clock.seconds
        print(answer(), flush=True)

"""A machine whose clock leaps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Machine:
    """Time passes for both its clocks; only the one on the wall leaps."""

    def __init__(self) -> None:
        self._passed = timedelta()
        self._leapt = timedelta()

    def wall(self) -> datetime:
        return START + self._passed + self._leapt

    def steady(self) -> datetime:
        return START + self._passed

    def let_pass(self, **time: float) -> None:
        self._passed += timedelta(**time)

    def leap(self, **by: float) -> None:
        self._leapt += timedelta(**by)

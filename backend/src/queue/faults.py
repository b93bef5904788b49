"""How many evaluations in a row failed because of this worker, and how long it therefore rests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from src.queue.retries import RetryTerms
from src.running.job import End, Ending
from src.shared.times import Clock

FAULTS = {End.WORKER, End.DISK_FULL}
"""Ends after which this worker would fail the next model too."""


class Faults:
    """Counts the worker's faults in a row. Any other end resets the count. `clock` is for intervals."""

    def __init__(self, retries: RetryTerms, clock: Clock) -> None:
        self._retries = retries
        self._clock = clock
        self._number = 0
        self._rests_until: datetime | None = None
        self._counted: set[str] = set()

    def count(self, endings: Mapping[str, Ending]) -> None:
        """Count endings, given by nonce. Each is counted once, as long as it stays in the mapping."""
        for nonce in endings.keys() - self._counted:
            self._number = self._number + 1 if endings[nonce].end in FAULTS else 0
            pause = self._retries.pause([End.WORKER] * self._number)
            self._rests_until = self._clock() + pause if self._number else None
        self._counted = set(endings)

    def rests_until(self) -> datetime | None:
        """Return until when no evaluation should start, or None if nothing prevents it."""
        until = self._rests_until
        return until if until and until > self._clock() else None

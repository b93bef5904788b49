"""How often evaluations ended through this worker's own fault, and until when it therefore rests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from src.queue.retries import RetryTerms
from src.running.job import End, Ending
from src.shared.times import Clock

FAULTS = {End.WORKER, End.DISK_FULL}
"""Ends after which this worker would fail the next model too."""


class Faults:
    """The faults in a row, up to the last evaluation; one that ends otherwise is the end of the row.

    `clock` is for intervals.
    """

    def __init__(self, retries: RetryTerms, clock: Clock) -> None:
        self._retries = retries
        self._clock = clock
        self._number = 0
        self._rests_until: datetime | None = None
        self._counted: set[str] = set()

    def count(self, endings: Mapping[str, Ending]) -> None:
        """Take endings, by nonce, into account: each once, as long as it is there."""
        for nonce in endings.keys() - self._counted:
            self._number = self._number + 1 if endings[nonce].end in FAULTS else 0
            pause = self._retries.pause([End.WORKER] * self._number)
            self._rests_until = self._clock() + pause if self._number else None
        self._counted = set(endings)

    def rests_until(self) -> datetime | None:
        """Until when nothing should be begun; None is that nothing is in the way."""
        until = self._rests_until
        return until if until and until > self._clock() else None

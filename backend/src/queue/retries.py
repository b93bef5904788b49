"""Which failed attempts are retried, and after what pause, judging by the history of a request."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from src.shared.data.ends import WORKERS_FAULT, End
from src.shared.data.request import Request

ONCE_MORE = {End.OUT_OF_MEMORY, End.STUCK}
"""Retry these once: other processes on the machine may have been to blame, but hardly twice."""

PERHAPS_THE_MODELS_FAULT = {End.CRASHED, *ONCE_MORE}
"""Another attempt may succeed, but the model may also be the cause."""

NOT_THE_MODELS_FAULT = WORKERS_FAULT - {End.STOPPED, End.OVER_BUDGET}
"""Caused by the machine, the network or the Hub. These are retried more often."""

NO_ATTEMPT = {End.STOPPED, End.CANCELLED}
"""Caused by people on purpose. These do not count as attempts."""


@dataclass(frozen=True)
class RetryTerms:
    """How often an evaluation is retried, and how long it waits before each attempt."""

    attempts: int = 3
    """How many attempts may end in a way that can be the model's fault."""
    outages: int = 20
    """How many attempts may end in any other way."""
    days: int = 3
    """How many attempts may end because the money of a day was spent: what needs more never ends."""
    first_pause: timedelta = timedelta(minutes=1)
    """The pause after the first attempt. It grows fourfold with each further one."""
    longest_pause: timedelta = timedelta(hours=1)

    def has_another(self, ends: Sequence[str]) -> bool:
        """Return whether another attempt follows. `ends` are those of all attempts so far, in order."""
        end = ends[-1]
        if end in NO_ATTEMPT:
            return True
        if end == End.OVER_BUDGET:
            return ends.count(end) < self.days
        if end in NOT_THE_MODELS_FAULT:
            return _count(ends, NOT_THE_MODELS_FAULT) < self.outages
        if end in ONCE_MORE and ends.count(end) > 1:
            return False
        return end in PERHAPS_THE_MODELS_FAULT and _count(ends, PERHAPS_THE_MODELS_FAULT) < self.attempts

    def pause(self, ends: Sequence[str]) -> timedelta:
        """Return how long to wait after attempts with these ends. One lost worker causes no pause."""
        times = sum(end not in NO_ATTEMPT for end in ends) - (End.LOST in ends)
        if times < 1:
            return timedelta(0)
        growth: int = 4 ** min(times - 1, 10)  # a larger power would overflow a timedelta
        return min(self.first_pause * growth, self.longest_pause)

    def is_due(self, request: Request, now: datetime) -> bool:
        """Return whether a pending request can be claimed: the pause after its last attempt is over.

        Ignore an end that is further in the future than any pause: it comes from a wrong clock.
        """
        ends = ends_of_the_run(request)
        ended = request.history[-1].ended if ends and request.history else None
        return ended is None or now - ended >= self.pause(ends) or ended - now > self.longest_pause


MOST_ENDS = 1000
"""More attempts than any settings allow."""


def ends_of_the_run(request: Request) -> list[str]:
    """Return how the attempts since the last submission ended, in order.

    The history also contains earlier attempts, but each submission counts its attempts anew. An attempt that
    is missing from the history counts as crashed.
    """
    ended = min(request.attempt - (1 if request.lease else 0), MOST_ENDS)
    if ended <= 0:
        return []
    known = [attempt.end for attempt in request.history[-ended:]]
    return [End.CRASHED.value] * (ended - len(known)) + known


def _count(ends: Sequence[str], kinds: Collection[End]) -> int:
    return sum(end in kinds for end in ends)

"""Which attempts are followed by another one, and after what pause. The history of a request says it all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from src.shared.data.ends import WORKERS_FAULT, End
from src.shared.data.request import Request

ONCE_MORE = {End.OUT_OF_MEMORY, End.STUCK}
"""Others on the machine may have been to blame, but hardly twice."""

PERHAPS_THE_MODELS_FAULT = {End.CRASHED, *ONCE_MORE}
"""Another attempt may go well, but not every model's can."""

NOT_THE_MODELS_FAULT = WORKERS_FAULT - {End.STOPPED}
"""What the machine, the network or the Hub did: it is borne with for longer."""

NO_ATTEMPT = {End.STOPPED, End.CANCELLED}
"""What people did on purpose: it counts for nothing."""


@dataclass(frozen=True)
class RetryTerms:
    """How many attempts a request has until it is FAILED, and how long it waits before each.

    `attempts` may end in a way that may be the model's fault, and `outages` in any other way. The pause grows
    fourfold from the first to the longest.
    """

    attempts: int = 3
    outages: int = 20
    first_pause: timedelta = timedelta(minutes=1)
    longest_pause: timedelta = timedelta(hours=1)

    def has_another(self, ends: Sequence[str]) -> bool:
        """Whether another attempt follows after attempts that ended so, the present one last."""
        end = ends[-1]
        if end in NO_ATTEMPT:
            return True
        if end in NOT_THE_MODELS_FAULT:
            return _count(ends, NOT_THE_MODELS_FAULT) < self.outages
        if end in ONCE_MORE and ends.count(end) > 1:
            return False
        return end in PERHAPS_THE_MODELS_FAULT and _count(ends, PERHAPS_THE_MODELS_FAULT) < self.attempts

    def pause(self, ends: Sequence[str]) -> timedelta:
        """How long to wait after attempts that ended so; not at all when a worker went away only once."""
        times = sum(end not in NO_ATTEMPT for end in ends) - (End.LOST in ends)
        if times < 1:
            return timedelta(0)
        growth: int = 4 ** min(times - 1, 10)  # more would be too large for a time
        return min(self.first_pause * growth, self.longest_pause)

    def is_due(self, request: Request, now: datetime) -> bool:
        """Whether a waiting request may be claimed: the pause after its last attempt is over.

        An end that lies further ahead than any pause is from a wrong clock, and keeps nobody waiting.
        """
        ends = ends_of_the_run(request)
        ended = request.history[-1].ended if ends and request.history else None
        return ended is None or now - ended >= self.pause(ends) or ended - now > self.longest_pause


MOST_ENDS = 1000
"""More attempts than any terms allow."""


def ends_of_the_run(request: Request) -> list[str]:
    """How the attempts since the request was last submitted ended, the last one last.

    The history also has those from before, but each submission counts its attempts anew. One that somebody
    removed from the history counts as crashed.
    """
    ended = min(request.attempt - (1 if request.lease else 0), MOST_ENDS)
    if ended <= 0:
        return []
    known = [attempt.end for attempt in request.history[-ended:]]
    return [End.CRASHED.value] * (ended - len(known)) + known


def _count(ends: Sequence[str], kinds: Collection[End]) -> int:
    return sum(end in kinds for end in ends)

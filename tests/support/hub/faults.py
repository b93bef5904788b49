"""What goes wrong on demand: a share of all calls, or the next ones of a kind."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """One way in which a call fails, and what is true of the repository afterwards."""

    RATE_LIMITED = "rate limited"
    """429, with the headers that say for how long. Nothing was done."""
    SERVER_ERROR = "server error"
    """500. Nothing was done."""
    BAD_GATEWAY = "bad gateway"
    """502. Nothing was done."""
    UNAVAILABLE = "unavailable"
    """503. Nothing was done."""
    STALE_PARENT = "stale parent"
    """412 to a commit, as if somebody else had been faster. Nothing was done."""
    LOST_REQUEST = "lost request"
    """The connection breaks without an answer. Nothing was done."""
    LOST_ANSWER = "lost answer"
    """The connection breaks without an answer. It was done."""
    CUT_ANSWER = "cut answer"
    """The connection breaks in the middle of the answer. It was done."""
    SLOW = "slow"
    """The answer comes late. It was done."""

    def fits(self, route: str) -> bool:
        """Whether the Hub could ever fail in this way there."""
        return self != Fault.STALE_PARENT or route == "commit"


@dataclass
class Order:
    """The next `times` calls that fit fail. What is None does not matter."""

    fault: Fault
    times: int
    route: str | None
    method: str | None
    repository: str | None

    def fits(self, route: str, method: str, repository: str | None) -> bool:
        wanted = [(self.route, route), (self.method, method), (self.repository, repository)]
        return self.times > 0 and all(want in (None, value) for want, value in wanted)


@dataclass
class Faults:
    """Which calls fail, and how. Nothing fails unless it was asked for."""

    slow_seconds: float = 1.0
    _orders: list[Order] = field(default_factory=list)
    _share: float = 0.0
    _turns: deque[Fault] = field(default_factory=deque)
    _random: Random = field(default_factory=Random)

    def strike_next(
        self,
        fault: Fault,
        *,
        times: int = 1,
        route: str | None = None,
        method: str | None = None,
        repository: str | None = None,
    ) -> None:
        """Let the next calls fail: `strike_next(Fault.LOST_ANSWER, route="commit")`."""
        self._orders.append(Order(Fault(fault), times, route, method, repository))

    def strike_share(
        self,
        share: float,
        faults: Iterable[Fault] = tuple(Fault),
        *,
        seed: int = 0,
        slow_seconds: float | None = None,
    ) -> None:
        """Let a share of all calls fail (0.1 is every tenth, at random), with each of the faults in turn.

        `slow_seconds` is how late a slow answer is from now on.
        """
        if slow_seconds is not None:
            self.slow_seconds = slow_seconds
        self._share, self._turns, self._random = share, deque(map(Fault, faults)), Random(seed)

    def stop(self) -> None:
        """From now on nothing fails."""
        self._orders, self._share = [], 0.0

    def choose(self, route: str, method: str, repository: str | None) -> Fault | None:
        """The fault of a call that comes in now."""
        for order in self._orders:
            if order.fits(route, method, repository):
                order.times -= 1
                return order.fault
        if self._random.random() >= self._share:
            return None
        fault = next((each for each in self._turns if each.fits(route)), None)
        if fault:
            self._turns.remove(fault)
            self._turns.append(fault)
        return fault

"""A member of the fleet: a worker that was started to drain a part of the queue."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from src.shared.data.dollars import Bill, spent_today
from src.shared.data.queue_order import Requests
from src.shared.data.request import Attempt
from src.shared.times import hours_and_minutes


@dataclass(frozen=True, kw_only=True)
class Member:
    """One worker that the fleet ordered, as the place where it runs tells of it."""

    name: str
    """Follows from the flavour, so that two fleets that decide at once order the same name."""
    id: str = ""
    """Its name at that place, which is never used twice, unlike `name`."""
    flavour: str
    price: float | None = None
    """Dollars an hour; None if nobody said so. It then counts as free."""
    smallest: float = 0.0
    largest: float
    """It claims models whose weights have between so many GB."""
    ordered: datetime
    started: datetime | None = None
    """When it began to run, and to be billed; None while it waits for its hardware."""
    ended: datetime | None = None
    url: str | None = None
    """Where people can see it."""
    message: str = ""
    """A sentence of that place about it: hostile until it is escaped."""

    @property
    def worker(self) -> str:
        """The name under which it claims. Two of one name must not take each other's leases for their own."""
        return f"{self.name}.{self.id}" if self.id else self.name

    @property
    def is_pending(self) -> bool:
        """Whether it waits for its hardware."""
        return self.started is None and self.ended is None

    @property
    def is_running(self) -> bool:
        """Whether it runs, and is billed."""
        return self.started is not None and self.ended is None

    def standing(self, now: datetime) -> str:
        """Return how long it has waited or run, in words."""
        if self.started is None:
            waited = f"has waited for its machine for {hours_and_minutes(now - self.ordered)}"
            return "never started" if self.ended else waited
        if self.ended is None:
            return f"has run for {hours_and_minutes(now - self.started)}"
        return f"ended after {hours_and_minutes(self.ended - self.started)}"

    def takes(self, gb: float | None) -> bool:
        """Return whether it claims models of this size. One of unknown size is for the smallest machines."""
        return self.smallest == 0.0 if gb is None else self.smallest <= gb <= self.largest


def spent_by_members(members: Collection[Member], requests: Requests, now: datetime) -> float:
    """Return the dollars that members have cost since midnight UTC.

    A cluster forgets a job minutes after its end. Of a member that is not listed any more, the evaluations
    count that the histories have.
    """
    known = {each.worker for each in members}
    forgotten = (
        Bill(attempt.price, attempt.started, attempt.ended)
        for request in requests.values()
        for attempt in request.history
        if attempt.own_machine and attempt.price and attempt.started and attempt.ended
        if attempt.worker not in known and _is_a_members(attempt)
    )
    return spent_today([*bills(members, now), *forgotten], now)


def bills(members: Iterable[Member], now: datetime) -> list[Bill]:
    """Return what members that have started are billed, where their price is known."""
    return [
        Bill(each.price, each.started, each.ended or now)
        for each in members
        if each.started is not None and each.price is not None
    ]


def _is_a_members(attempt: Attempt) -> bool:
    """Return whether a worker has the name of a member on the hardware where it ran, as `Member.worker`."""
    return bool(re.fullmatch(rf"{re.escape(attempt.hardware or '')}-\d+\..+", attempt.worker))

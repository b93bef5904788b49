"""The owner's rules for renting hardware: what fits, how much at once, and how much money a day. No calls.

What is spent follows from the requests alone: every lease and every attempt in a history has the price of
what it rented. So all workers of a leaderboard share one limit, and a restart forgets nothing. A worker's own
machine is not rented for an evaluation, and does not count, whatever it costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from src.inference.hardware import fits, largest
from src.running.inference import Hardware
from src.shared.data.dollars import HOUR, Bill, cost, spent_today
from src.shared.data.ends import End
from src.shared.data.request import WITHDRAWN, Lease, Request, Status

LATELY = timedelta(days=3)

DEAREST = 4.0
"""Take no hardware that costs more times as much as the cheapest that fits: rather wait for that."""

STOPPED_FROM_OUTSIDE = (End.OVER_BUDGET, End.CANCELLED, End.STOPPED, WITHDRAWN)
"""Ends that are written down before the hardware is given back."""

Requests = Mapping[str, Request]


@dataclass(frozen=True)
class Renting:
    """What may be rented now."""

    offers: tuple[Hardware, ...] | None
    """All that may be rented, cheapest first; None while the Hub's list is not known."""
    free: frozenset[str] = frozenset()
    """The ids of what is free at the moment."""
    at_once: int = 1
    """How many endpoints all workers together may have."""
    there: frozenset[str] = frozenset()
    """The nonces of those that were there when they were last listed, needed or not."""
    dollars_a_day: float = 20.0
    """How much all workers together may spend between midnight and midnight UTC."""
    stops_within: timedelta = timedelta(minutes=4)
    """How long it takes at most from one look at the money until a stop that the next look decides has taken
    effect, and nothing is billed any more.
    """

    @property
    def affordable(self) -> tuple[Hardware, ...]:
        """Those of the offers of which an hour costs no more than a day may, cheapest first."""
        return tuple(each for each in self.offers or () if each.price <= self.dollars_a_day)

    @property
    def largest(self) -> float | None:
        """The largest weights that anything has room for, in GB; None if that is not known."""
        return max(map(largest, self.affordable), default=0.0) if self.offers is not None else None

    def named(self, id: str | None) -> Hardware | None:
        """Return the hardware of this name."""
        return next((each for each in self.offers or () if each.id == id), None)

    def fits(self, params: float | None, precision: str) -> bool:
        """Return whether anything fits a model, free or not. An unknown size fits."""
        if self.offers is None or params is None:
            return True
        return any(fits(each, params, precision) for each in self.affordable)

    def choice(self, params: float, precision: str) -> Hardware | None:
        """Return the cheapest that fits and is free, or None. Far dearer than what fits is not taken."""
        fitting = [each for each in self.affordable if fits(each, params, precision)]
        most = DEAREST * fitting[0].price if fitting else 0.0
        return next((each for each in fitting if each.id in self.free and each.price <= most), None)

    def may_rent(self, requests: Requests) -> bool:
        """Return whether a further endpoint may be made, as far as their number is concerned."""
        nonces = {lease.nonce for lease in _leases(requests)}
        return self.offers is not None and len(nonces | self.there) < self.at_once

    def can_afford(self, hardware: Hardware, requests: Requests, now: datetime) -> bool:
        """Return whether an hour of this, beside an hour of all that runs, is within the day's money."""
        ahead = max(HOUR, 2 * self.stops_within)
        running = sum(cost(price, ahead) for price in _rented(requests))
        return self.spent_today(requests, now) + running + cost(hardware.price, ahead) <= self.dollars_a_day

    def is_spent(self, requests: Requests, now: datetime) -> bool:
        """Return whether everything must stop, so that not more is spent than the owner allows."""
        running = sum(cost(price, self.stops_within) for price in _rented(requests))
        return running > 0 and self.spent_today(requests, now) + running >= self.dollars_a_day

    def lasts(self, requests: Requests, now: datetime) -> timedelta | None:
        """Return for how long the day's money lasts at what is rented now, or None if nothing is.

        It holds even if nobody can read the requests again.
        """
        an_hour = sum(_rented(requests))
        if not an_hour:
            return None
        left = self.dollars_a_day - self.spent_today(requests, now)
        return max(HOUR * (left / an_hour) - self.stops_within, timedelta())

    def spent_today(self, requests: Requests, now: datetime) -> float:
        """Return the dollars spent since midnight UTC, at most: the Hub bills no time before the start."""
        return spent_today(_billed(requests, now, self.stops_within), now)


def rented_lately(requests: Requests, now: datetime) -> bool:
    """Return whether anything was rented within the last days, so that an endpoint may be left."""
    return any(now - until < LATELY for _, _, until in _billed(requests, now, timedelta()))


def _billed(requests: Requests, now: datetime, stops_within: timedelta) -> Iterator[Bill]:
    """Yield a bill for each attempt that rented something."""
    for request in requests.values():
        for attempt in request.history:
            if attempt.price and not attempt.own_machine and attempt.started and attempt.ended:
                late = stops_within if attempt.end in STOPPED_FROM_OUTSIDE else timedelta()
                yield Bill(attempt.price, attempt.started, attempt.ended + late)
        if request.lease and request.lease.price and not request.lease.own_machine:
            yield Bill(request.lease.price, request.lease.started, now)


def _leases(requests: Requests) -> Iterator[Lease]:
    """Yield each lease under which something is rented."""
    for request in requests.values():
        lease = request.lease if request.status is Status.RUNNING else None
        if lease and lease.price is not None and not lease.own_machine:
            yield lease


def _rented(requests: Requests) -> Iterator[float]:
    """Yield the price of each endpoint that a lease stands for."""
    return (lease.price or 0.0 for lease in _leases(requests))

"""The owner's rules for renting hardware: what fits, how much at once, and how much money a day. No calls.

What is spent follows from the requests alone: every lease and every attempt in a history has the price of
what it rented. So all workers of a leaderboard share one limit, and a restart forgets nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from src.inference.hardware import fits, largest
from src.running.inference import Hardware
from src.shared.data.request import Request, Status

HOUR = timedelta(hours=1)

LATELY = timedelta(days=3)

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
        """Return the cheapest that fits and is free, or None."""
        fitting = (each for each in self.affordable if fits(each, params, precision))
        return next((each for each in fitting if each.id in self.free), None)

    def may_rent(self, requests: Requests) -> bool:
        """Return whether a further endpoint may be made, as far as their number is concerned."""
        return self.offers is not None and sum(1 for _ in _rented(requests)) < self.at_once

    def can_afford(self, hardware: Hardware, requests: Requests, now: datetime) -> bool:
        """Return whether an hour of this, beside an hour of all that runs, is within the day's money."""
        return spent_today(requests, now) + _dollars(requests, HOUR) + hardware.price <= self.dollars_a_day

    def is_spent(self, requests: Requests, now: datetime) -> bool:
        """Return whether everything must stop, so that not more is spent than the owner allows."""
        running = _dollars(requests, self.stops_within)
        return running > 0 and spent_today(requests, now) + running >= self.dollars_a_day


def rented_lately(requests: Requests, now: datetime) -> bool:
    """Return whether anything was rented within the last days, so that an endpoint may be left."""
    return any(now - ended < LATELY for _, _, ended in _billed(requests, now))


def spent_today(requests: Requests, now: datetime) -> float:
    """Return the dollars spent since midnight UTC, at most: the Hub bills no time before the start."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return sum(
        price * max((min(ended, now) - max(started, midnight)) / HOUR, 0.0)
        for price, started, ended in _billed(requests, now)
    )


def _billed(requests: Requests, now: datetime) -> Iterator[tuple[float, datetime, datetime]]:
    """Yield the dollars an hour of each attempt that rented something, and from when to when it did."""
    for request in requests.values():
        for attempt in request.history:
            if attempt.price and attempt.started and attempt.ended:
                yield attempt.price, attempt.started, attempt.ended
        if request.lease and request.lease.price:
            yield request.lease.price, request.lease.started, now


def _rented(requests: Requests) -> Iterator[float]:
    """Yield the price of each endpoint that a lease stands for."""
    for request in requests.values():
        if request.status is Status.RUNNING and request.lease and request.lease.price is not None:
            yield request.lease.price


def _dollars(requests: Requests, time: timedelta) -> float:
    """Return what everything that is rented costs in this time."""
    return sum(_rented(requests)) * (time / HOUR)

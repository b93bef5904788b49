"""When the requests in the queue will have their results, as ranges.

The queue is played a number of times with made-up durations (Monte Carlo): each time the requests go, in the
queue's order, to the place that is free first, as workers take them. The range of a request holds the middle
four fifths of its ends. To add up quantiles instead would be wrong on both sides: a sum of independent
durations varies less than the sum of their quantiles, and durations that share an unsure average vary more
(Gelman and others, Bayesian Data Analysis, 3rd edition, section 14.3, on predictions by simulation).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np

from ..data.precision import weights_in_gb
from ..data.queue_order import DEFAULT, Requests, in_order
from ..data.request import EXPLAINED, WAITS_FOR_ITS_TASKS, Request, Status
from .durations import Array, Durations, left
from .words import Range, in_words

TIMES = 48
"""How often the queue is played."""

SEED = 20_240_101
"""The same board has the same estimates, on every page and after each restart."""

LOW, HIGH = 0.1, 0.9
"""The quantiles that a range reaches to."""

MOST_PLACES = 1_000
"""More workers than any leaderboard has at once. Each costs time for each request that waits."""

LATELY = timedelta(hours=6)
"""How long an idle worker counts as running after its last evaluation."""

PATIENCE = 6
"""How much longer a request waits for a running worker than for a new one, as a number of starts."""

STARTS = (0.5, 1.5)
"""Between which parts of what it usually takes a start takes."""

DEVIATION = 0.35
"""How much more beginnings deviate than what is played, as a logarithm, in a simulated year (docs/fleet.md).
Not played is that members of a fleet first take what is of their size, breakdowns, and sold-out hardware.
"""

NOT_FINISHED_ANY = "no evaluation has finished on this leaderboard yet"
NO_WORKER = "no worker has run lately"
LEFT_BY_ALL = (WAITS_FOR_ITS_TASKS,)
"""Reasons to wait for which a fleet starts nothing, besides a size without hardware."""

NO_ROOM = "no hardware of this leaderboard has room for it"
CANNOT_SAY = "We cannot say yet when: {}."


@dataclass(frozen=True)
class Place:
    """Where one evaluation runs at a time: a worker, or a part of one."""

    hardware: str | None = None
    running: str | None = None
    """The path of the request that it evaluates."""
    ready_in: timedelta = timedelta()
    """How long it takes until it begins with anything."""


@dataclass(frozen=True)
class Kind:
    """Hardware that a fleet starts for requests of these sizes."""

    hardware: str
    largest: float
    """The largest weights, in GB, and those above the kind before."""
    price: float = 0.0
    """Dollars an hour."""


@dataclass(frozen=True)
class Fleet:
    """What starts workers for a leaderboard, and within which limits."""

    most: int
    """How many workers run at once."""
    kinds: tuple[Kind, ...]
    """The smallest first."""
    starts_in: timedelta = timedelta(minutes=5)
    dollars_a_day: float | None = None
    spent_today: float = 0.0

    def kind_of(self, gb: float | None) -> int | None:
        """Return the place, in `kinds`, of what is started for weights of this size. None if nothing fits."""
        fitting = (number for number, kind in enumerate(self.kinds) if gb is None or gb <= kind.largest)
        return next(fitting, None)


@dataclass(frozen=True)
class Estimate:
    """When a request will have its result."""

    range: Range | None
    """None if nobody can say."""
    why_not: str = ""

    @property
    def words(self) -> str:
        """The range as people say it, or why there is none."""
        return in_words(self.range) if self.range else CANNOT_SAY.format(self.why_not)


def places_in_sight(requests: Requests, now: datetime) -> tuple[Place, ...]:
    """Return the places of all workers: of those that hold a lease, and of those that ended an evaluation
    lately. At most MOST_PLACES are returned.
    """
    running = {
        path: each.lease
        for path, each in requests.items()
        if each.status is Status.RUNNING and each.lease and not each.lease.has_run_out(now)
    }
    busy = [Place(lease.hardware, path) for path, lease in running.items()]
    names = {lease.worker for lease in running.values()}
    idle = {
        attempt.worker: Place(attempt.hardware)
        for each in requests.values()
        for attempt in each.history[-1:]
        if attempt.worker and attempt.worker not in names and not attempt.is_by_a_person
        if attempt.ended and timedelta() <= now - attempt.ended <= LATELY
    }
    return (*busy, *(idle[name] for name in sorted(idle)))[:MOST_PLACES]


def estimates(
    requests: Requests,
    durations: Durations | None,
    now: datetime,
    *,
    places: Sequence[Place],
    order: Sequence[str] = DEFAULT,
    fleet: Fleet | None = None,
) -> dict[str, Estimate]:
    """Return when each running and each waiting request will have its result."""
    queue = in_order(requests, order)
    running = [place.running for place in places if place.running]
    if durations is None:
        return dict.fromkeys([*running, *queue], Estimate(None, NOT_FINISHED_ANY))
    reasons = {path: why for path in queue if (why := _cannot_be_said(requests[path], places, fleet))}
    told = [path for path in queue if path not in reasons]
    ends = _Played(requests, durations, now, places, fleet).ends(told)
    lows, highs = np.quantile(
        np.array([*ends.values()]).reshape(-1, TIMES), (LOW, HIGH), axis=1, method="weibull"
    )
    ranges = {
        path: Estimate(Range(timedelta(seconds=low), timedelta(seconds=high)))
        for path, low, high in zip(ends, lows.tolist(), highs.tolist(), strict=True)
    }
    return ranges | {path: Estimate(None, why) for path, why in reasons.items()}


def _cannot_be_said(request: Request, places: Sequence[Place], fleet: Fleet | None) -> str | None:
    if fleet and fleet.kind_of(_gb(request)) is None:
        return NO_ROOM
    if not fleet and not places:
        return NO_WORKER
    waits = next((each for each in (LEFT_BY_ALL if fleet else EXPLAINED) if each in request.message), None)
    return (waits[0].lower() + waits[1:]).rstrip(".") if waits else None


def _gb(request: Request) -> float | None:
    return weights_in_gb(request.params, request.precision)


class _Played:
    """The queue, played several times at once. Each array has a row for a place and a column for a time."""

    def __init__(
        self,
        requests: Requests,
        durations: Durations,
        now: datetime,
        places: Sequence[Place],
        fleet: Fleet | None,
    ) -> None:
        self._requests, self._durations, self._now = requests, durations, now
        self._places, self._fleet = places, fleet
        self._chance = np.random.default_rng(SEED)
        starts_in = fleet.starts_in.total_seconds() if fleet else 0.0
        self._patience = PATIENCE * starts_in
        self._starts = starts_in * self._chance.uniform(*STARTS, size=TIMES)
        more = max(fleet.most - len(places), 0) if fleet else 0
        self._free = np.zeros((len(places) + more, TIMES))
        names = {kind.hardware: number for number, kind in enumerate(fleet.kinds)} if fleet else {}
        kinds = [names.get(place.hardware or "", -1) for place in places] + [-1] * more
        self._kind = np.repeat(np.array(kinds, dtype=int)[:, None], TIMES, axis=1)
        self._spent = np.full(TIMES, fleet.spent_today if fleet else 0.0, dtype=float)

    def ends(self, queue: Sequence[str]) -> Mapping[str, Array]:
        """Return in how many seconds each request has its result, each time."""
        found = {}
        for number, place in enumerate(self._places):
            seconds = self._left(place)
            ready = place.ready_in.total_seconds() * self._chance.uniform(*STARTS, size=TIMES)
            self._free[number] = seconds + ready
            if place.running:
                found[place.running] = seconds
                self._pay(self._kind[number, 0], seconds)
        sizes = [_gb(self._requests[path]) for path in queue]
        fleet = self._fleet
        kinds = [(fleet.kind_of(gb) or 0) if fleet else -1 for gb in sizes]
        hardware = [fleet.kinds[kind].hardware if fleet else self._usual for kind in kinds]
        drawn = self._durations.draw(sizes, hardware, number=TIMES, chance=self._chance)
        if fleet is None:
            return found | {path: self._taken_by_any(each) for path, each in zip(queue, drawn, strict=True)}
        deviations = np.exp(self._chance.normal(0, DEVIATION, size=drawn.shape))
        for path, kind, seconds, deviation in zip(queue, kinds, drawn, deviations, strict=True):
            found[path] = self._begins(kind, seconds, deviation) + seconds
        return found

    @cached_property
    def _usual(self) -> str | None:
        """What most workers have, on which a request without a fleet probably runs."""
        number = Counter(place.hardware for place in self._places)
        return max(sorted(number, key=str), key=lambda name: number[name], default=None)

    def _left(self, place: Place) -> Array:
        """Return how many seconds are left of what a place does."""
        request = self._requests.get(place.running or "")
        if request is None or request.lease is None:
            return np.zeros(TIMES)
        elapsed = (self._now - request.lease.started).total_seconds()
        whole = self._durations.of(_gb(request), place.hardware).seconds
        return self._chance.choice(left(whole, max(elapsed, 0.0)), size=TIMES)

    def _taken_by_any(self, seconds: Array) -> Array:
        first = self._free.argmin(axis=0)
        ends = self._free[first, _EACH] + seconds
        self._free[first, _EACH] = ends
        return ends

    def _begins(self, kind: int, seconds: Array, deviation: Array) -> Array:
        """Let a fleet take a request: with a worker in sight, or with a new one in a place that is free.

        Return in how many seconds it begins.
        """
        is_other = self._kind != kind
        first = (self._free + self._patience * is_other).argmin(axis=0)
        ready = self._free[first, _EACH] + self._starts * is_other[first, _EACH]
        money = self._has_money_in()
        self._pay(kind, seconds)
        self._free[first, _EACH] = np.maximum(ready, money) + seconds
        self._kind[first, _EACH] = kind
        begins: Array = np.maximum(ready * deviation, money)
        return begins

    def _pay(self, kind: int, seconds: Array) -> None:
        if self._fleet and kind >= 0:
            self._spent += self._fleet.kinds[kind].price * seconds / 3600

    def _has_money_in(self) -> Array:
        """Return in how many seconds the money of a day pays for more."""
        if self._fleet is None or self._fleet.dollars_a_day is None:
            return 0.0
        if self._spent.max() < self._fleet.dollars_a_day:
            return 0.0
        today = self._now.replace(hour=0, minute=0, second=0, microsecond=0)
        until_midnight = (today + timedelta(days=1) - self._now).total_seconds()
        days = np.floor(self._spent / self._fleet.dollars_a_day)
        return np.where(days < 1, 0.0, until_midnight + (days - 1) * 86_400)


_EACH: Any = np.arange(TIMES)

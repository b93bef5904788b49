"""A simulated year of a leaderboard: submissions, breakdowns, hardware that is sold out, and money."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import numpy as np

from src.fleet.deciding import decide, kinds_of
from src.fleet.flavour import Flavour
from src.fleet.member import Member
from src.fleet.situation import CLAIMS_FOR, Limits, Situation, Start
from src.queue.lifecycle import LeaseTerms, claim, finish, release
from src.shared.data.ends import End
from src.shared.data.precision import weights_in_gb
from src.shared.data.queue_order import in_order
from src.shared.data.request import LEASE_RAN_OUT, Request, Status
from src.shared.estimates.durations import Durations, Timed, learn
from src.shared.estimates.waiting import Estimate, Place, estimates
from src.shared.times import to_text

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAY, HOUR, MINUTE = 86_400.0, 3_600.0, 60.0

OFFERS = (
    Flavour("t4-small", 16, 0.40),
    Flavour("l4x1", 24, 0.80),
    Flavour("a10g-small", 24, 1.00),
    Flavour("l40sx1", 48, 1.80),
    Flavour("a100-large", 80, 2.50),
    Flavour("h200", 141, 5.00),
    Flavour("h200x2", 282, 10.00),
)
"""What the Hub's Jobs offered in August 2026, and two h200 for what one has no room for."""

SLOWNESS = {
    "t4-small": 2.0,
    "l4x1": 1.0,
    "a10g-small": 0.75,
    "l40sx1": 0.45,
    "a100-large": 0.32,
    "h200": 0.18,
    "h200x2": 0.16,
}
"""How long each takes for the same work, as a factor of an l4x1. Nobody tells the fleet."""

SIZES = ((0.35, 0.6, 0.8), (0.42, 7.0, 0.25), (0.15, 13.5, 0.25), (0.06, 32.0, 0.2), (0.02, 70.0, 0.05))
"""The sizes of models: share, billions of parameters, and the deviation of their logarithm."""

SECONDS_OF_ONE_GB, GROWTH, OWN = 720.0, 0.85, 0.35
"""How long evaluations take on an l4x1: growing by this power of the size, and what single models deviate."""

SUBMISSIONS, BURSTS = 10_000, 40
LONGEST = 400 * DAY
"""The simulation gives up on a queue that is not empty after this."""

LIMITS = Limits(max_workers=12, dollars_a_day=400.0)


@dataclass(frozen=True)
class Submitted:
    """One submission, and how much work it truly is."""

    second: float
    params: float
    work: float
    """The seconds that it takes on an l4x1."""

    @property
    def gb(self) -> float:
        return weights_in_gb(self.params, "bfloat16") or 0.0

    def seconds(self, flavour: str) -> float:
        return self.work * SLOWNESS[flavour]

    @property
    def least_dollars(self) -> float:
        """What it costs on the cheapest hardware that has room for it, if nothing has to start."""
        return min(each.price * self.seconds(each.name) / HOUR for each in OFFERS if each.room >= self.gb)


def submissions(seed: int, number: int = SUBMISSIONS, days: float = 365.0) -> list[Submitted]:
    """A year's submissions: more by day than by night, fewer at weekends, and bursts of whole series."""
    chance = np.random.default_rng([seed, 1])
    sizes = _sizes(chance, number)
    work = SECONDS_OF_ONE_GB * (2 * sizes) ** GROWTH * np.exp(chance.normal(0, OWN, number))
    seconds = np.sort(
        np.concatenate([_rhythm(chance, number - number // 4, days), _bursts(chance, number // 4, days)])
    )
    return [Submitted(*each) for each in zip(seconds.tolist(), sizes.tolist(), work.tolist(), strict=True)]


def _sizes(chance: Any, number: int) -> Any:
    kinds = chance.choice(len(SIZES), size=number, p=[share for share, _, _ in SIZES])
    medians, spreads = (
        np.array(column)[kinds] for column in ([m for _, m, _ in SIZES], [s for _, _, s in SIZES])
    )
    return np.clip(medians * np.exp(chance.normal(0, 1, number) * spreads), 0.1, 80.0)


def _rhythm(chance: Any, number: int, days: float) -> Any:
    found: list[float] = []
    while len(found) < number:
        second = chance.uniform(0, days * DAY)
        by_day = 0.55 + 0.45 * np.cos(2 * np.pi * (second / DAY - 0.6))
        by_week = 0.5 if int(second // DAY) % 7 in (2, 3) else 1.0
        if chance.uniform() < by_day * by_week:
            found.append(second)
    return np.array(found)


def _bursts(chance: Any, number: int, days: float) -> Any:
    begins = chance.uniform(0, days * DAY, BURSTS)
    return np.minimum(
        begins[chance.integers(BURSTS, size=number)] + chance.exponential(HOUR, number), days * DAY
    )


@dataclass(frozen=True)
class Luck:
    """What goes wrong."""

    hours_between_deaths: float = 300.0
    """Of a member that runs, in the mean."""
    never_starts: float = 0.01
    """The share of members for which no hardware ever comes."""
    never_claims: float = 0.005
    """The share of members that hang before they claim anything."""
    shortages: float = 25.0
    """How often each flavour is sold out in a year, for some hours."""


@dataclass
class Machine:
    """One worker of the simulation, as it truly is."""

    member: Member
    hangs: bool = False
    is_forever: bool = False
    """Whether it never ends: not the fleet's, or of a fixed fleet."""
    path: str | None = None
    turn: int = 0
    """Counts what it did, so that events of what it does no more are ignored."""


@dataclass
class Told:
    """An estimate that somebody was given, and what came of it."""

    second: float
    estimate: Estimate
    truth: float = float("nan")
    """The seconds until the result."""

    @property
    def is_right(self) -> bool:
        range = self.estimate.range
        return range is not None and range.low.total_seconds() <= self.truth <= range.high.total_seconds()


@dataclass
class Year:
    """What came of a year."""

    submitted: Sequence[Submitted]
    waited: dict[int, float] = field(default_factory=dict)
    """The seconds from each submission until the evaluation began that led to its result."""
    dollars: float = 0.0
    by_day: dict[int, float] = field(default_factory=dict)
    most_at_once: int = 0
    told: list[Told] = field(default_factory=list)
    members: int = 0

    @property
    def least_dollars(self) -> float:
        return sum(each.least_dollars for each in self.submitted)


class Simulation:
    """Plays a year. `fixed` members run all the time, and return after a death; then nothing is decided.

    `others` are the limits of further dispatchers, which look at the same moments.
    """

    def __init__(
        self,
        submitted: Sequence[Submitted],
        seed: int,
        *,
        fixed: Sequence[tuple[str, float, float]] = (),
        limits: Limits = LIMITS,
        luck: Luck = Luck(),
        estimate_each: int = 0,
        others: Sequence[Limits] = (),
    ) -> None:
        self.year = Year(submitted)
        self._chance = np.random.default_rng([seed, 2])
        self._limits, self._luck, self._fixed, self._others = limits, luck, fixed, others
        self._estimate_each = estimate_each
        self._flavours = {each.name: each for each in OFFERS}
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._ids = count(1)
        self._live: dict[str, Request] = {}
        self._gone: list[tuple[float, str]] = []
        self._machines: dict[str, Machine] = {}
        self._ended: list[Member] = []
        self._timed: list[Timed] = []
        self._durations: Durations | None = None
        self._deaths = 0
        self._next_decision: float | None = None
        self._told: dict[str, list[Told]] = {}
        days = max((each.second for each in submitted), default=0.0) / DAY + 30
        self._shortages = {each.name: self._made_shortages(days) for each in OFFERS}

    def _made_shortages(self, days: float) -> list[tuple[float, float]]:
        number = self._chance.poisson(self._luck.shortages * days / 365)
        begins = self._chance.uniform(0, days * DAY, number)
        lasts = np.exp(self._chance.normal(np.log(3 * HOUR), 0.8, number))
        return [(begin, begin + last) for begin, last in zip(begins.tolist(), lasts.tolist(), strict=True)]

    def run(self) -> Year:
        for number, each in enumerate(self.year.submitted):
            self._at(each.second, self._submit, number)
        for flavour, smallest, largest in self._fixed:
            self._begin_fixed(0.0, flavour, smallest, largest)
        while self._events and (len(self.year.waited) < len(self.year.submitted) or self._any_billed()):
            second, _, what, arguments = heapq.heappop(self._events)
            assert second < LONGEST, "something waits forever"
            what(second, *arguments)
        for machine in [*self._machines.values()]:
            self._end(max(second, 365 * DAY) if self._fixed else second, machine)
        return self.year

    def _any_billed(self) -> bool:
        return not self._fixed and any(each.member.started for each in self._machines.values())

    def _at(self, second: float, what: Callable[..., None], *arguments: Any) -> None:
        heapq.heappush(self._events, (second, next(self._ids), what, arguments))

    # The queue

    def _submit(self, second: float, number: int) -> None:
        each = self.year.submitted[number]
        path = f"m/{number}"
        self._live[path] = Request(
            model="acme/model",
            precision="bfloat16",
            params=each.params,
            status=Status.PENDING,
            submitted_time=to_text(when(second)),
        )
        if self._estimate_each and number % self._estimate_each == 0:
            self._tell(second, path)
        self._wake_idle(second)
        self._decide_soon(second)

    def _wake_idle(self, second: float) -> None:
        for machine in self._machines.values():
            if machine.is_forever and machine.path is None and machine.member.started:
                machine.turn += 1
                self._at(second + 30, self._claim, machine, machine.turn)

    def _claim(self, second: float, machine: Machine, turn: int) -> None:
        if turn != machine.turn or machine.hangs:
            return
        member, now = machine.member, when(second)
        is_closed = not machine.is_forever and member.started and now - member.started >= CLAIMS_FOR
        fitting = (
            path
            for path in in_order(self._live)
            if member.takes(weights_in_gb(self._live[path].params, "bfloat16"))
        )
        path = None if is_closed else next(fitting, None)
        machine.turn += 1
        machine.path = path
        if path is None:
            if not machine.is_forever:
                self._end(second, machine)
            return
        claimed = claim(
            self._live[path],
            worker=member.worker,
            nonce=str(next(self._ids)),
            terms=LeaseTerms(),
            now=now,
            commit="c" * 40,
            taken_runs=(),
        )
        self._live[path] = replace(claimed, lease=replace(claimed.lease, hardware=member.flavour))
        seconds = self.year.submitted[int(path[2:])].seconds(member.flavour)
        dies_in = self._chance.exponential(self._luck.hours_between_deaths * HOUR)
        if dies_in < seconds:
            self._at(second + dies_in, self._die, machine, machine.turn)
        else:
            self._at(second + seconds, self._finish, machine, machine.turn)

    def _finish(self, second: float, machine: Machine, turn: int) -> None:
        if turn != machine.turn or machine.path is None:
            return
        path, number = machine.path, int(machine.path[2:])
        request = self._live[path]
        self.year.waited[number] = (
            request.lease.started - when(self.year.submitted[number].second)
        ).total_seconds()
        gb = weights_in_gb(request.params, "bfloat16")
        if request.attempt == 1:
            took = (when(second) - request.lease.started).total_seconds()
            self._timed.append(Timed(gb, took, machine.member.flavour))
        self._live[path] = finish(request, result="r", log=None, now=when(second))
        self._gone.append((second, path))
        for told in self._told.pop(path, ()):
            told.truth = second - told.second
        if len(self._timed) % 25 == 0 or len(self._timed) < 30:
            self._durations = learn(self._timed[-500:])
        machine.path = None
        machine.turn += 1
        self._at(second + 20, self._claim, machine, machine.turn)

    def _die(self, second: float, machine: Machine, turn: int) -> None:
        if turn != machine.turn or machine.path is None:
            return
        self._deaths += 1
        self._at(second + 65 * MINUTE, self._lose, machine.path, self._live[machine.path].lease.nonce)
        self._end(second, machine)
        if machine.is_forever:
            self._begin_fixed(
                second + 5 * MINUTE, machine.member.flavour, machine.member.smallest, machine.member.largest
            )

    def _lose(self, second: float, path: str, nonce: str) -> None:
        request = self._live.get(path)
        if request and request.lease and request.lease.nonce == nonce:
            self._live[path] = release(
                request, end=End.LOST, message=LEASE_RAN_OUT, log=None, now=when(second)
            )
            self._wake_idle(second)
            self._decide_soon(second)

    # Members

    def _begin_fixed(self, second: float, flavour: str, smallest: float, largest: float) -> None:
        id = str(next(self._ids))
        member = Member(
            name=flavour,
            id=id,
            flavour=flavour,
            price=self._flavours[flavour].price,
            smallest=smallest,
            largest=largest,
            ordered=when(second),
            started=when(second),
        )
        machine = Machine(member, is_forever=True)
        self._machines[id] = machine
        self._at(second + 60, self._claim, machine, 0)

    def _decide_soon(self, second: float) -> None:
        at = (second // MINUTE + 1) * MINUTE
        if not self._fixed and (self._next_decision is None or self._next_decision > at):
            self._next_decision = at
            self._at(at, self._decide)

    def _decide(self, second: float) -> None:
        if self._next_decision != second:
            return
        self._next_decision = None
        self._forget(second)
        situation = self._situation(when(second))
        all_limits = (self._limits, *self._others)
        decisions = [decide(replace(situation, limits=each)) for each in all_limits]
        for decision in decisions:
            for stop in decision.stop:
                machine = self._machines.get(stop.member.id)
                if machine:
                    self._stop(second, machine)
            for start in decision.start:
                self._order(second, start)
        self.year.most_at_once = max(self.year.most_at_once, len(self._machines))
        if self._machines or any(each.status is Status.PENDING for each in self._live.values()):
            self._decide_soon(second + 9 * MINUTE)

    def _situation(self, now: datetime) -> Situation:
        return Situation(
            requests=self._live,
            now=now,
            offers=OFFERS,
            members=[*(each.member for each in self._machines.values()), *self._ended],
            limits=self._limits,
            durations=self._durations,
        )

    def _forget(self, second: float) -> None:
        while self._gone and self._gone[0][0] < second - DAY:
            del self._live[self._gone.pop(0)[1]]
        self._ended = [each for each in self._ended if (when(second) - each.ended).total_seconds() < DAY]

    def _order(self, second: float, start: Start) -> None:
        id = str(next(self._ids))
        member = Member(
            name=start.name,
            id=id,
            flavour=start.flavour.name,
            price=start.flavour.price,
            smallest=start.smallest,
            largest=start.largest,
            ordered=when(second),
        )
        machine = Machine(member, hangs=self._chance.uniform() < self._luck.never_claims)
        self._machines[id] = machine
        self.year.members += 1
        if self._chance.uniform() >= self._luck.never_starts:
            self._at(
                self._there_at(second + self._chance.uniform(10, 120), start.flavour.name),
                self._begin,
                machine,
            )

    def _there_at(self, second: float, flavour: str) -> float:
        """When hardware that is ordered now is there."""
        ends = [end for begin, end in self._shortages[flavour] if begin <= second < end]
        return max([second, *ends])

    def _begin(self, second: float, machine: Machine) -> None:
        if machine.member.id in self._machines:
            machine.member = replace(machine.member, started=when(second))
            ready = self._chance.uniform(2, 6) * MINUTE
            self._at(second + ready, self._claim, machine, machine.turn)

    def _stop(self, second: float, machine: Machine) -> None:
        if machine.path:
            request = self._live[machine.path]
            self._live[machine.path] = release(
                request, end=End.STOPPED, message="", log=None, now=when(second)
            )
        self._end(second, machine)

    def _end(self, second: float, machine: Machine) -> None:
        machine.turn += 1
        machine.path = None
        del self._machines[machine.member.id]
        ended = replace(machine.member, ended=when(second))
        self._ended.append(ended)
        if ended.started:
            began = (ended.started - BEGIN).total_seconds()
            for day in range(int(began // DAY), int(second // DAY) + 1):
                hours = max(min(second, (day + 1) * DAY) - max(began, day * DAY), 0.0) / HOUR
                self.year.by_day[day] = self.year.by_day.get(day, 0.0) + hours * ended.price
                self.year.dollars += hours * ended.price
        self._decide_soon(second)

    # Estimates

    def _tell(self, second: float, path: str) -> None:
        now = when(second)
        places = []
        for machine in self._machines.values():
            member = machine.member
            waited = now - (member.started or member.ordered)
            ready = timedelta() if machine.path else max(timedelta(minutes=5) - waited, timedelta(minutes=1))
            places.append(Place(member.flavour, machine.path, ready))
        fleet = None if self._fixed else kinds_of(self._situation(now))
        found = estimates(self._live, self._durations, now, places=places, fleet=fleet)
        told = Told(second, found[path])
        self._told.setdefault(path, []).append(told)
        self.year.told.append(told)


def when(second: float) -> datetime:
    return BEGIN + timedelta(seconds=second)

"""All that a fleet's decision depends on, and what it may come to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from src.fleet.flavour import Costs, Flavour
from src.fleet.member import Member, spent_by_members
from src.queue.policy import Policy
from src.shared.data.dollars import cost
from src.shared.data.precision import weights_in_gb
from src.shared.data.queue_order import Requests
from src.shared.data.request import Request, Status
from src.shared.estimates.durations import Durations

CLAIMS_FOR = timedelta(hours=6)
"""A member claims nothing new after this time, so that its place comes to whoever has waited longest."""

STARTS_WITHIN = timedelta(minutes=15)
"""Hardware that is not there after this time counts as sold out."""

SOLD_OUT_FOR = timedelta(hours=1)
"""Hardware that was sold out is not asked for again before this time is over."""

GIVES_UP_AFTER = timedelta(hours=24)
"""A member that has waited so long for hardware without a substitute is ordered anew: it may be forgotten."""

CLAIMS_WITHIN = timedelta(minutes=30)
"""A member that has run for so long without ever claiming anything is stopped."""

STOPS_WITHIN = timedelta(minutes=10)
"""The least of `Limits.stops_within`."""


@dataclass(frozen=True)
class Limits:
    """The owner's limits."""

    max_workers: int = 1
    """How many members there may be at once, those that wait for hardware included."""
    dollars_a_day: float | None = None
    """How much members may spend between midnight and midnight UTC; None where hardware costs nothing."""
    flavours: tuple[str, ...] = ()
    """Names of what may be started. Nothing named means everything that has an accelerator."""
    starts_within: timedelta = STARTS_WITHIN
    """When hardware counts as sold out. A cluster has a queue of its own, whose places are worth keeping."""
    claims_within: timedelta = CLAIMS_WITHIN
    """How long a member may take from its start to its first claim: to install, to download, to try the
    suite.
    """
    stops_within: timedelta = STOPS_WITHIN
    """The longest time from one look at the money until the members that the next look stops are billed no
    more.
    """

    @property
    def gives_up_after(self) -> timedelta:
        """When a member that waits for hardware without a substitute is ordered anew."""
        return max(GIVES_UP_AFTER, 7 * self.starts_within)

    def names(self, flavour: Flavour) -> bool:
        """Return whether members may run on it, whatever it costs."""
        return flavour.name in self.flavours if self.flavours else flavour.accelerators > 0

    def allows(self, flavour: Flavour) -> bool:
        """Return whether members may run on it: it is named, has room for a model, and is not too dear."""
        is_affordable = self.dollars_a_day is None or flavour.price <= self.dollars_a_day
        return self.names(flavour) and flavour.room > 0 and is_affordable


@dataclass(frozen=True, kw_only=True)
class Situation:
    """Everything that a decision depends on."""

    requests: Requests
    now: datetime
    offers: Sequence[Flavour]
    """The hardware on offer."""
    members: Sequence[Member] = ()
    """All that have not ended, and those that ended within the last day."""
    limits: Limits = field(default_factory=Limits)
    refused: Collection[str] = ()
    """The names of hardware that the engine has lately refused to start."""
    durations: Durations | None = None
    knows_all: bool = True
    """Whether the Hub delivered every request. What it withholds may be what a member evaluates."""
    policy: Policy = field(default_factory=Policy)
    """The rules of the queue: its order, pauses after failures, and what no member takes."""
    starts_in: timedelta = timedelta(minutes=5)
    """How long a member takes from its start, when it begins to be billed, to its first claim."""

    @property
    def costs(self) -> Costs:
        """The likely costs of evaluations."""
        return Costs(self.durations, self.starts_in)

    @cached_property
    def wanted(self) -> list[Request]:
        """The waiting requests that members take, if they are of their size. Some may pause."""
        waiting = (each for each in self.requests.values() if each.status is Status.PENDING)
        return [each for each in waiting if self.policy.has_room_for(each)]

    @cached_property
    def spent(self) -> float:
        """The dollars that members have cost since midnight UTC."""
        return spent_by_members(self.members, self.requests, self.now)


@dataclass(frozen=True)
class Start:
    """A member to start."""

    name: str
    flavour: Flavour
    smallest: float
    largest: float
    claims_for: timedelta = CLAIMS_FOR

    def options(self, *, price: float | None) -> list[str]:
        """Return the options of `python -m src.worker --drain` that give a member its share."""
        return [
            *("--smallest-gb", f"{self.smallest:.3f}", "--largest-gb", f"{self.largest:.3f}"),
            *("--claims-for", f"{self.claims_for / timedelta(hours=1):g}"),
            *("--hardware", self.flavour.name),
            *(() if price is None else ("--price", f"{price:g}")),
        ]

    def member(
        self, ordered: datetime, *, price: float | None, id: str = "", started: datetime | None = None
    ) -> Member:
        """Return the member that this order makes."""
        return Member(
            name=self.name,
            id=id,
            flavour=self.flavour.name,
            price=price,
            smallest=self.smallest,
            largest=self.largest,
            ordered=ordered,
            started=started,
        )


@dataclass(frozen=True)
class Stop:
    """A member to stop, and why."""

    member: Member
    why: str


def in_hand(requests: Requests) -> dict[str, Request]:
    """Return the requests that are being evaluated, by the names of the workers."""
    return {
        each.lease.worker: each
        for each in requests.values()
        if each.status is Status.RUNNING and each.lease is not None
    }


def is_spent(situation: Situation) -> bool:
    """Return whether everything must stop, so that not more is spent than the owner allows."""
    limit = situation.limits.dollars_a_day
    if limit is None:
        return False
    within = situation.limits.stops_within
    ahead = sum(cost(each.price or 0.0, within) for each in situation.members if each.ended is None)
    return ahead > 0 and situation.spent + ahead >= limit


def have_claimed(requests: Requests) -> set[str]:
    """Return the names of all workers that ever claimed one of these requests."""
    past = {attempt.worker for each in requests.values() for attempt in each.history}
    return past | {each.lease.worker for each in requests.values() if each.lease}


def sold_out(situation: Situation) -> set[str]:
    """Return the names of the hardware that is not to be had now: the engine has refused it, somebody waits
    for it, or did in vain.
    """
    now, starts_within = situation.now, situation.limits.starts_within
    return {*situation.refused} | {
        each.flavour
        for each in situation.members
        if each.started is None
        and (
            now - each.ordered >= starts_within
            if each.ended is None
            else each.ended - each.ordered >= starts_within and now - each.ended < SOLD_OUT_FOR
        )
    }


def gb_of(request: Request) -> float | None:
    """Return the size of a model's weights in GB, in the precision that was asked for; None if unknown."""
    return weights_in_gb(request.params, request.precision)

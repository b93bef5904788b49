"""The loop of the fleet: it looks at the queue, the hardware and the members, decides, and starts and stops.

Nothing is kept that matters: what runs is at the engine, what waits is in the queue. The next dispatcher goes
on where one has died, and two at once decide the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from src.fleet.deciding import Decision, decide, kinds_of
from src.fleet.flavour import Flavour
from src.fleet.member import Member, spent_by_members
from src.fleet.seam import Fleet, FleetError, NoHardware
from src.fleet.situation import Limits, Situation, Start, Stop, is_spent
from src.fleet.stopping import stops
from src.queue.policy import Policy
from src.shared.data.backend_description import MOST_DOLLARS_A_DAY, FleetDescription, HardwareDescription
from src.shared.data.dollars import in_dollars
from src.shared.data.queue_order import Requests, pending
from src.shared.estimates.durations import learn, timed
from src.shared.process.steady import steady_now
from src.shared.times import Clock, utc_now

log = logging.getLogger(__name__)

TokenCheck = Callable[[], str | None]
"""Returns what is wrong with the members' token, or None. Raises ConnectionError."""

RIGHT_FOR = timedelta(hours=1)
"""How long the check of the token counts. The rights of a fine-grained token can be edited."""

KEPT_FOR = timedelta(days=1)
"""How long members are shown and billed after their end."""

LISTED_WITHIN = timedelta(minutes=15)
"""How long a started member counts as there although the engine's list lacks it. Without that, a list that
lags or fails would have a member started at each tick, and each is paid for.
"""

REFUSED_FOR = timedelta(minutes=10)
"""How long hardware that the engine refused counts as sold out. To ask again costs nothing."""

STARTS_FOR = timedelta(minutes=2)
"""One tick starts no more members after this time, with a slow engine: the money must be looked at again."""

STOPPED = "It was stopped: {}."

UNKNOWN_HARDWARE = (
    "FLEET_FLAVORS names {}, which is not on offer. `python -m src.fleet --offers` lists what there is."
)
NO_MONEY_FOR_ANY = (
    "An hour of the cheapest hardware that FLEET_FLAVORS allows costs {}, which is more than "
    "MAX_DOLLARS_PER_DAY, so no worker starts. Raise it, or allow cheaper hardware."
)
NOT_CHECKED = "The Hub was not reached to check FLEET_TOKEN: {}"


@dataclass(frozen=True)
class Shown:
    """The fleet as the page shows it."""

    members: tuple[Member, ...] = ()
    """Those that wait, run, or ended within the last day."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """For what each request waits, by its path."""
    spent: float = 0.0
    """The dollars of today (UTC)."""
    limit: float | None = None
    """How many may be spent in a day; None where hardware costs nothing."""
    problems: tuple[str, ...] = ()
    """Sentences for the owner."""


class Dispatcher:
    """Starts and stops the members of one leaderboard. `clock` tells the time, `steady` is for intervals."""

    def __init__(
        self,
        fleet: Fleet,
        limits: Limits,
        *,
        policy: Policy | None = None,
        check_token: TokenCheck = lambda: None,
        clock: Clock = utc_now,
        steady: Clock = steady_now,
    ) -> None:
        self._fleet = fleet
        self._limits = limits
        self._policy = policy or Policy()
        self._check_token = check_token
        self._clock, self._steady = clock, steady
        self._checked: datetime | None = None
        self._has_looked = False
        self._members: tuple[Member, ...] = ()
        self._new: dict[str, tuple[Member, datetime]] = {}
        """The started members that the engine's list lacks so far, by id, with the time."""
        self._refused: dict[str, tuple[str, datetime]] = {}
        """Why the engine refused hardware, by name, with the time."""
        self._stopped: dict[str, str] = {}
        """Why members were stopped, by id."""
        self._offers: Sequence[Flavour] = ()
        self._shown = Shown(limit=limits.dollars_a_day)
        self._described: FleetDescription | None = None

    @property
    def shown(self) -> Shown:
        """The fleet as the page shows it."""
        return self._shown

    @property
    def most_gb(self) -> float | None:
        """The largest weights that the allowed hardware has room for, in GB; None while that is not known."""
        allowed = [each.room for each in self._offers if self._limits.allows(each)]
        return max(allowed) if allowed else None

    @property
    def described(self) -> FleetDescription | None:
        """The hardware for each size, for the leaderboard's estimates; None while it is not known."""
        return self._described

    def prepare(self) -> None:
        """Ask once for the hardware, so that the largest model can be published. Never raises an error."""
        if self._offers:
            return
        try:
            self._offers = self._fleet.offers()
        except FleetError as error:
            self._tell(error)

    def tick(self, requests: Requests, *, knows_all: bool = True) -> None:
        """Start and stop what should be. Never raises an error: those of the engine are told on the page.

        Without a waiting request and without a member the engine is not asked. `knows_all` is whether the Hub
        delivered every request.
        """
        if not pending(requests) and not self._may_be_there():
            now = self._clock()
            self._members = tuple(
                each for each in self._members if each.ended and now - each.ended < KEPT_FOR
            )
            self._shown = self._seen(requests, now)
            return
        if not self._look():
            return
        now = self._clock()
        situation = replace(self._situation(requests, now), knows_all=knows_all)
        decision = decide(situation)
        self._described = description_of(situation)
        problems = self._carry_out(decision)
        seen = self._seen(requests, now)
        self._shown = replace(seen, reasons=decision.reasons, problems=(*seen.problems, *problems))

    def watch_money(self, requests: Requests) -> None:
        """Stop all members if the day's money is spent, and do nothing else.

        For when the queue cannot be read or written: these may be old requests. Never raises an error.
        """
        if self._limits.dollars_a_day is None or not self._may_be_there() or not self._look():
            return
        now, reasons = self._clock(), self._shown.reasons
        situation = self._situation(requests, now)
        problems = tuple(self._stop(stops(situation))) if is_spent(situation) else ()
        seen = self._seen(requests, now)
        self._shown = replace(seen, reasons=reasons, problems=(*seen.problems, *problems))

    def offers(self) -> list[tuple[Flavour, bool]]:
        """Return the hardware, each with whether members may run on it. Raises FleetError."""
        return [(each, self._limits.allows(each)) for each in self._fleet.offers()]

    def end_of_log(self, member: Member) -> str:
        """Return the last lines of a member's log, for the page. Raises FleetError."""
        return self._fleet.end_of_log(member)

    def _look(self) -> bool:
        """Ask the engine for its hardware and its members. Return whether it answered."""
        try:
            self._offers = self._fleet.offers()
            self._members = self._there()
        except FleetError as error:
            self._tell(error)
            return False
        self._has_looked = True
        return True

    def _there(self) -> tuple[Member, ...]:
        """Return the engine's members, and those that were just started. Raises FleetError."""
        listed, now = [self._with_reason(each) for each in self._fleet.members()], self._steady()
        self._stopped = {each.id: why for each in listed if (why := self._stopped.get(each.id))}
        ids = {each.id for each in listed}
        self._new = {
            id: (member, since)
            for id, (member, since) in self._new.items()
            if id not in ids and now - since < LISTED_WITHIN
        }
        return (*listed, *(member for member, _ in self._new.values()))

    def _with_reason(self, member: Member) -> Member:
        """Return a member, with the reason if this dispatcher has stopped it."""
        why = self._stopped.get(member.id)
        return replace(member, message=STOPPED.format(why)) if why else member

    def _may_be_there(self) -> bool:
        """Return whether a member may be there: one was when somebody last looked, or nobody has."""
        return not self._has_looked or any(each.ended is None for each in self._members)

    def _seen(self, requests: Requests, now: datetime) -> Shown:
        """Return the members, and what they cost."""
        spent = spent_by_members(self._members, requests, now)
        problems = tuple(problems_of(self._limits, self._offers))
        return Shown(self._members, spent=spent, limit=self._limits.dollars_a_day, problems=problems)

    def _situation(self, requests: Requests, now: datetime) -> Situation:
        return Situation(
            requests=requests,
            now=now,
            offers=self._offers,
            members=self._members,
            limits=self._limits,
            refused=self._refused_lately(),
            durations=learn(timed(requests.values())),
            policy=self._policy,
        )

    def _refused_lately(self) -> frozenset[str]:
        """Return the hardware that the engine refused lately, and forget what it refused before."""
        now = self._steady()
        self._refused = {
            name: (why, since) for name, (why, since) in self._refused.items() if now - since < REFUSED_FOR
        }
        return frozenset(self._refused)

    def _carry_out(self, decision: Decision) -> tuple[str, ...]:
        """Stop, then start if all stops went well: starts take the places and the money that stops free.

        Return what did not go well, as sentences.
        """
        problems = list(self._stop(decision.stop)) or list(self._start(decision.start))
        problems += [why for why, _ in self._refused.values()]
        return tuple(dict.fromkeys(problems))

    def _stop(self, stops: Iterable[Stop]) -> Iterator[str]:
        for each in stops:
            try:
                self._fleet.stop(each.member)
            except FleetError as error:
                yield str(error)
            else:
                self._new.pop(each.member.id, None)
                self._stopped[each.member.id] = each.why
                log.info("stopped the worker %s: %s", each.member.worker, each.why)

    def _start(self, starts: Sequence[Start]) -> Iterator[str]:
        wrong = self._problem_of_the_token() if starts else None
        if wrong:
            yield wrong
            return
        began = self._steady()
        for order in starts:
            if self._steady() - began >= STARTS_FOR:
                return
            if order.flavour.name in self._refused:  # for an order before this one
                continue
            try:
                member = self._fleet.start(order)
            except NoHardware as error:  # told as long as it counts
                log.warning("could not start the worker %s: %s", order.name, error)
                self._refused[order.flavour.name] = str(error), self._steady()
            except FleetError as error:
                log.warning("could not start the worker %s: %s", order.name, error)
                yield str(error)
                return  # the others would not start either
            else:
                log.info("started the worker %s", member.worker)
                self._new[member.id] = member, self._steady()
                self._members = (*(each for each in self._members if each.id != member.id), member)

    def _problem_of_the_token(self) -> str | None:
        """Check the members' token before any is started, and again after an hour."""
        now = self._steady()
        if self._checked is not None and now - self._checked < RIGHT_FOR:
            return None
        try:
            problem = self._check_token()
        except ConnectionError as error:  # what was right an hour ago is not held up by a busy Hub
            return None if self._checked is not None else NOT_CHECKED.format(error)
        self._checked = now if problem is None else None
        return problem

    def _tell(self, error: FleetError) -> None:
        log.warning("%s", error)
        shown = self._shown
        self._shown = Shown(shown.members, shown.reasons, shown.spent, shown.limit, (str(error),))


def problems_of(limits: Limits, offers: Sequence[Flavour]) -> Iterator[str]:
    """Yield what in the owner's limits cannot be right, given what is on offer."""
    names = {each.name for each in offers}
    unknown = [each for each in limits.flavours if each not in names]
    if offers and unknown:
        yield UNKNOWN_HARDWARE.format(", ".join(unknown))
    prices = [each.price for each in offers if limits.names(each)]
    if limits.dollars_a_day is not None and prices and min(prices) > limits.dollars_a_day:
        yield NO_MONEY_FOR_ANY.format(in_dollars(min(prices)))


def description_of(situation: Situation) -> FleetDescription:
    """Return what the fleet may start, as it is published."""
    fleet = kinds_of(situation)
    return FleetDescription(
        max_workers=fleet.most,
        dollars_a_day=None if fleet.dollars_a_day is None else min(fleet.dollars_a_day, MOST_DOLLARS_A_DAY),
        hardware=tuple(
            HardwareDescription(
                name=kind.hardware, largest_gb=float(f"{kind.largest:.3g}"), price=kind.price or None
            )
            for kind in fleet.kinds
        ),
    )

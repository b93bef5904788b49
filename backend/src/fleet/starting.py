"""Which members a fleet starts: one walk through the queue, in the order in which workers claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import takewhile

from src.fleet.flavour import UNKNOWN, Band, Flavour, band_of, bands
from src.fleet.member import Member
from src.fleet.situation import (
    CLAIMS_FOR,
    Situation,
    Start,
    gb_of,
    have_claimed,
    in_hand,
    sold_out,
)
from src.inference.renting import DEAREST
from src.shared.data.dollars import cost, in_dollars
from src.shared.data.queue_order import in_order
from src.shared.data.request import WAITS_FOR_MONEY, WITHDRAWN, Request
from src.shared.estimates.durations import left

PATIENCE = 6
"""A request waits for a member in sight that is likely to be free within so many times what a new one takes
to start. So starts take about a sixth of what busy members cost, at most.
"""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=6)
"""The pause before a third member of a flavour of which two in a row claimed nothing; it grows fourfold."""

MOST_WITHDRAWN = 3
"""After so many withdrawals within a day no member starts for somebody's requests: each start is paid for,
and what is withdrawn in time takes no place of a quota.
"""

CAUTIOUS = 0.8
"""Set money aside for the duration that four in five evaluations stay within."""

TOO_LARGE = (
    "Its weights have {:,.1f} GB, and no hardware that this leaderboard may start has room for them. Its "
    "owner has to allow larger hardware."
)

NOTHING_ALLOWED = "It waits for hardware, but none is on offer that this leaderboard may start."

TOO_DEAR = (
    "Its evaluation would cost more than the {} that this leaderboard may spend in a day. Its owner has to "
    "allow more money a day."
)

SOLD_OUT = "It waits for {}, which is sold out at the moment."

STARTS = "A worker on {} starts for it."

IN_SIGHT = "It waits for the worker {}, on {}."

NO_PLACE = "It waits for a worker on {}, which starts when one of the {} that may run at once ends."

NO_WORKERS = "It waits for a worker on {}, but this leaderboard may start none."

IN_VAIN = (
    "It waits for {}. The last {} workers there ended without claiming anything: the owner finds the reason "
    "in their logs."
)

WITHDRAWS_OFTEN = (
    "It waits for a worker that starts for others: its submitter has withdrawn {} requests within a day."
)


@dataclass
class _Place:
    """A member that is there or starts, and how long it has something to do."""

    member: Member
    free_in: float
    """In seconds, as is likely."""
    closes_in: float
    """When it claims nothing more."""
    paid_for: float
    """The seconds for which money is set aside."""


class Walk:
    """One walk through the queue: each request is given to a member in sight, or gets a new one."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self.starts: list[Start] = []
        there = [each for each in situation.members if each.ended is None]
        self._busy = in_hand(situation.requests)
        self._places = [self._place(each) for each in there]
        self._names = {each.name for each in there}
        self._patience = PATIENCE * situation.starts_in.total_seconds()
        self._allowed = [each for each in situation.offers if situation.limits.allows(each)]
        self._sold_out = sold_out(situation)
        self._all = bands(tuple(self._allowed), situation.costs)
        on_sale = [each for each in self._allowed if each.name not in self._sold_out]
        self._bands = bands(tuple(on_sale), situation.costs)

    def through_the_queue(self, *, is_broke: bool) -> dict[str, str]:
        """Go through the queue, collect what to start, and return for what each request waits."""
        reasons, requests, policy = {}, self._situation.requests, self._situation.policy
        waits_for_money = is_broke
        for path in in_order(requests, policy.order):
            request = requests[path]
            if not policy.retries.is_due(request, self._situation.now):
                continue
            if why := policy.reason_to_leave(request):
                reasons[path] = why
                continue
            place = self._soonest(request)
            if place is not None and place.free_in <= self._patience:
                reasons[path] = self._give(request, place)
                continue
            reason = self._reason_to_wait(request)
            if reason is None and not waits_for_money:
                reason = self._start(request)
                # What comes next in the queue must not take the money that this one waits for.
                waits_for_money = reason == WAITS_FOR_MONEY
                if not waits_for_money:
                    reasons[path] = reason
                    continue
            reasons[path] = self._give(request, place) if place else reason or WAITS_FOR_MONEY
        return reasons

    def _soonest(self, request: Request) -> _Place | None:
        gb = gb_of(request)
        fitting = (each for each in self._places if each.member.takes(gb) and each.free_in <= each.closes_in)
        return min(fitting, key=lambda each: each.free_in, default=None)

    def _give(self, request: Request, place: _Place) -> str:
        """Let a member in sight take a request. Return the reason why it waits."""
        seconds, most = self._seconds(request, place.member.flavour)
        place.free_in += seconds
        place.paid_for += most
        if place.member.is_pending and place.member.flavour in self._sold_out:
            return SOLD_OUT.format(place.member.flavour)
        return IN_SIGHT.format(place.member.name, place.member.flavour)

    def _reason_to_wait(self, request: Request) -> str | None:
        """Return why no member can be started for a request, or None if one can, as far as hardware goes."""
        gb, limits = gb_of(request), self._situation.limits
        best = band_of(gb, self._all)
        if best is None:
            return NOTHING_ALLOWED if gb is None else TOO_LARGE.format(gb)
        if self._is_too_dear(request, best.flavour):
            return TOO_DEAR.format(in_dollars(limits.dollars_a_day or 0.0))
        band = self._band(request)
        if band is None:
            return SOLD_OUT.format(best.flavour.name)
        if (withdrawn := self._withdrawn[request.submitted_by]) >= MOST_WITHDRAWN:
            return WITHDRAWS_OFTEN.format(withdrawn)
        if number := self._in_vain.get(band.flavour.name, 0):
            return IN_VAIN.format(band.flavour.name, number)
        if limits.max_workers < 1:
            return NO_WORKERS.format(band.flavour.name)
        if len(self._places) >= limits.max_workers:
            return NO_PLACE.format(band.flavour.name, limits.max_workers)
        return None

    def _band(self, request: Request) -> Band | None:
        """Return what to start for a request, or None if what fits is sold out. Far dearer is not taken."""
        best, band = band_of(gb_of(request), self._all), band_of(gb_of(request), self._bands)
        if best is None or band is None:
            return None
        dollars, least = (self._situation.costs.of(gb_of(request), each.flavour) for each in (band, best))
        return band if dollars <= DEAREST * least else None

    def _start(self, request: Request) -> str:
        """Start a member for a request if there is money for it. Return the reason why the request waits."""
        band = self._band(request)
        assert band
        order = Start(self._free_name(band.flavour), band.flavour, band.smallest, band.largest)
        member = order.member(self._situation.now, price=band.flavour.price)
        starts_in = self._situation.starts_in.total_seconds()
        place = _Place(member, starts_in, CLAIMS_FOR.total_seconds(), starts_in)
        self._give(request, place)
        if not self._can_afford(place):
            return WAITS_FOR_MONEY
        self._places.append(place)
        self._names.add(order.name)
        self.starts.append(order)
        return STARTS.format(band.flavour.name)

    def _can_afford(self, new: _Place) -> bool:
        """Return whether the day's money pays for a new member beside those that are there."""
        limit = self._situation.limits.dollars_a_day
        if limit is None:
            return True
        ahead = sum(
            cost(each.member.price or 0.0, timedelta(seconds=min(each.paid_for, self._until_midnight)))
            for each in (*self._places, new)
        )
        within = 2 * self._situation.limits.stops_within
        stopping = sum(cost(each.member.price or 0.0, within) for each in (*self._places, new))
        # With a whole day's money it is tried, however long it may take.
        has_the_whole_day = self._situation.spent == 0 and not self._places
        return self._situation.spent + (stopping if has_the_whole_day else max(ahead, stopping)) <= limit

    def _is_too_dear(self, request: Request, flavour: Flavour) -> bool:
        """Return whether a day's money never pays for a request, however short it may be."""
        limit = self._situation.limits.dollars_a_day
        least = self._left(request, flavour.name)[0] + self._situation.starts_in.total_seconds()
        return limit is not None and cost(flavour.price, timedelta(seconds=min(least, 86_400.0))) > limit

    @cached_property
    def _until_midnight(self) -> float:
        today = self._situation.now.replace(hour=0, minute=0, second=0, microsecond=0)
        return (today + timedelta(days=1) - self._situation.now).total_seconds()

    @cached_property
    def _withdrawn(self) -> Counter[str | None]:
        """How many requests people have withdrawn within the last day, by their logins."""
        now = self._situation.now
        return Counter(
            attempt.by
            for request in self._situation.requests.values()
            for attempt in request.history
            if attempt.end == WITHDRAWN and attempt.ended and now - attempt.ended < timedelta(days=1)
        )

    @cached_property
    def _in_vain(self) -> dict[str, int]:
        """How many members in a row ended without claiming, of flavours that have a pause for it now."""
        now, found = self._situation.now, {}
        for flavour in {each.flavour for each in self._situation.members}:
            ran = [each for each in self._situation.members if each.flavour == flavour and each.started]
            last = sorted(
                ((each.ended, each) for each in ran if each.ended), key=lambda pair: pair[0], reverse=True
            )
            number = sum(1 for _ in takewhile(lambda pair: self._left_something(pair[1]), last))
            pause = min(FIRST_PAUSE * 4.0 ** min(max(number - 2, 0), 10), LONGEST_PAUSE)
            if number >= 2 and now - last[0][0] < pause:
                found[flavour] = number
        return found

    def _left_something(self, member: Member) -> bool:
        """Return whether a member ended without ever claiming, though something waited that it takes.

        If that was cancelled, the member did no wrong, and nobody else must wait for it.
        """
        if member.worker in self._useful or member.ended is None:
            return False
        waited = (gb for since, gb in self._waiting if since is None or since <= member.ended)
        return any(map(member.takes, waited))

    @cached_property
    def _useful(self) -> set[str]:
        return have_claimed(self._situation.requests)

    @cached_property
    def _waiting(self) -> list[tuple[datetime | None, float | None]]:
        """Since when requests wait, and their sizes."""
        return [(each.submitted, gb_of(each)) for each in self._situation.wanted]

    def _place(self, member: Member) -> _Place:
        """Return a member that is there, with how long it has something to do."""
        now, starts_in = self._situation.now, self._situation.starts_in.total_seconds()
        if member.started is None:  # the longer it has waited, the longer it may
            ready = max(starts_in, (now - member.ordered).total_seconds())
            return _Place(member, ready, ready + CLAIMS_FOR.total_seconds(), starts_in)
        closes_in = (member.started + CLAIMS_FOR - now).total_seconds()
        request = self._busy.get(member.worker)
        if request is None or request.lease is None:
            ready = max(starts_in - (now - member.started).total_seconds(), 0.0)
            return _Place(member, ready, closes_in, ready)
        elapsed = max((now - request.lease.started).total_seconds(), 0.0)
        seconds, most = self._seconds(request, member.flavour, elapsed)
        return _Place(member, seconds, closes_in, most)

    def _seconds(self, request: Request, flavour: str, elapsed: float = 0.0) -> tuple[float, float]:
        """Return how many seconds are likely left of an evaluation, and for how many to set money aside."""
        seconds = self._left(request, flavour, elapsed)
        number = len(seconds)
        return float(seconds[number // 2]), float(seconds[min(int(CAUTIOUS * number), number - 1)])

    def _left(self, request: Request, flavour: str, elapsed: float = 0.0) -> Sequence[float]:
        """Return how many seconds may be left of an evaluation, sorted.

        What it has been stopped after once, it takes at least.
        """
        known = self._situation.durations
        if known is None:
            hour = UNKNOWN.total_seconds()
            return [max(hour - elapsed, hour / 4)]
        tried = (
            (each.ended - each.started).total_seconds()
            for each in request.history_of_the_run
            if each.started and each.ended and not each.is_by_a_person and each.hardware == flavour
        )
        longest = max(tried, default=0.0)
        seconds = left(known.of(gb_of(request), flavour).seconds, max(elapsed, longest))
        found: Sequence[float] = seconds + max(longest - elapsed, 0.0)
        return found

    def _free_name(self, flavour: Flavour) -> str:
        """Return the first name of a flavour that no member has. Two fleets with one view find the same."""
        number = 1
        while f"{flavour.name}-{number}" in self._names:
            number += 1
        return f"{flavour.name}-{number}"

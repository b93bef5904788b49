"""Which members a fleet stops: all when the money is spent, or else those that are of no use."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

from src.fleet.flavour import Flavour
from src.fleet.member import Member
from src.fleet.situation import (
    Situation,
    Stop,
    gb_of,
    have_claimed,
    is_spent,
    sold_out,
)
from src.inference.renting import DEAREST
from src.shared.data.dollars import in_dollars

FORGOTTEN = "its hardware was not there within {:.0f} hours"

WAITED_TOO_LONG = "its hardware was not there within {:.0f} minutes, and other hardware fits"

HOLDS_A_PLACE = "its hardware was not there within {:.0f} minutes, and others wait for its place"

NOT_ALLOWED = "its hardware is not allowed any more"

TOO_MANY = "more are there than the {} that are allowed"

OUT_OF_MONEY = "the {} of the day are spent"

CLAIMED_NOTHING = "it has claimed nothing within {:g} minutes (FLEET_START_MINUTES)"


def stops(situation: Situation) -> Iterator[Stop]:
    """Yield the members to stop: all when the money is spent, or else those that are of no use."""
    limits, now = situation.limits, situation.now
    there = [each for each in situation.members if each.ended is None]
    if is_spent(situation):
        why = OUT_OF_MONEY.format(in_dollars(limits.dollars_a_day or 0.0))
        yield from (Stop(each, why) for each in there)
        return
    useful = have_claimed(situation.requests)
    allowed = [each for each in situation.offers if limits.allows(each)]
    left_over, has_made_way = [], False
    for member in there:
        if member.is_pending and all(each.name != member.flavour for each in allowed):
            yield Stop(member, NOT_ALLOWED)
        elif member.is_pending and _is_replaceable(member, allowed, situation):
            yield Stop(member, WAITED_TOO_LONG.format(limits.starts_within / timedelta(minutes=1)))
        elif member.is_pending and not has_made_way and _holds_up_others(member, there, allowed, situation):
            has_made_way = True
            yield Stop(member, HOLDS_A_PLACE.format(limits.starts_within / timedelta(minutes=1)))
        elif member.is_pending and now - member.ordered >= limits.gives_up_after:
            yield Stop(member, FORGOTTEN.format(limits.gives_up_after / timedelta(hours=1)))
        elif _claims_nothing(member, useful, situation):
            yield Stop(member, CLAIMED_NOTHING.format(limits.claims_within / timedelta(minutes=1)))
        else:
            left_over.append(member)

    # What runs has been paid for. It ends by itself, and another dispatcher may allow more.
    waiting = sorted((each for each in left_over if each.is_pending), key=lambda each: each.ordered)
    too_many = max(len(left_over) - limits.max_workers, 0)
    yield from (Stop(each, TOO_MANY.format(limits.max_workers)) for each in waiting[::-1][:too_many])


def _claims_nothing(member: Member, useful: Collection[str], situation: Situation) -> bool:
    """Return whether a member has run for too long and certainly never claimed anything."""
    within = situation.limits.claims_within
    has_had_time = member.started is not None and situation.now - member.started >= within
    return has_had_time and situation.knows_all and member.worker not in useful


def _is_replaceable(member: Member, allowed: Sequence[Flavour], situation: Situation) -> bool:
    """Return whether a member has waited too long for its hardware, and other hardware would do."""
    if situation.now - member.ordered < situation.limits.starts_within:
        return False
    own = next(each for each in allowed if each.name == member.flavour)
    wanted = _smallest_wanted(member, situation)
    most = DEAREST * situation.costs.of(wanted, own)
    others = [each for each in allowed if each.name not in sold_out(situation) | {own.name}]
    return any(each.room >= wanted and situation.costs.of(wanted, each) <= most for each in others)


def _holds_up_others(
    member: Member, there: Sequence[Member], allowed: Sequence[Flavour], situation: Situation
) -> bool:
    """Return whether a member has waited too long for its hardware, while others wait for a place that need
    other hardware, which no member has.
    """
    is_late = situation.now - member.ordered >= situation.limits.starts_within
    if not is_late or len(there) < situation.limits.max_workers:
        return False
    gone = sold_out(situation)
    most = max((each.room for each in allowed if each.name not in gone), default=0.0)
    due = (each for each in situation.wanted if situation.policy.retries.is_due(each, situation.now))
    sizes = (gb for gb in map(gb_of, due) if most > 0 and (gb or 0.0) <= most)
    return any(not any(each.takes(gb) for each in there) for gb in sizes)


def _smallest_wanted(member: Member, situation: Situation) -> float:
    """Return the size of the smallest model that waits for a member: other hardware must have room for it."""
    sizes = map(gb_of, situation.wanted)
    return min((gb or 0.0 for gb in sizes if member.takes(gb)), default=0.0)

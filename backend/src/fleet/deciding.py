"""The fleet's decision: which members to start and to stop, given the queue, the hardware and the members.

No calls, and nothing is remembered. A fleet that dies, or runs twice, harms nothing: members claim under the
leases that all workers have, and end by themselves when nothing is left for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf

from src.fleet.flavour import bands
from src.fleet.situation import Situation, Start, Stop, is_spent, sold_out
from src.fleet.starting import Walk
from src.fleet.stopping import stops
from src.shared.estimates.waiting import Fleet, Kind


@dataclass(frozen=True)
class Decision:
    """The steps to take now."""

    start: tuple[Start, ...] = ()
    stop: tuple[Stop, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    """For each waiting request that can be claimed: for which hardware it waits, and why."""


def decide(situation: Situation) -> Decision:
    """Return which members to start and to stop, and why requests wait."""
    stop = tuple(stops(situation))
    stopped = {id(each.member) for each in stop}
    members = [
        replace(each, ended=situation.now) if id(each) in stopped else each for each in situation.members
    ]
    walk = Walk(replace(situation, members=members))
    reasons = walk.through_the_queue(is_broke=is_spent(situation))
    return Decision(tuple(walk.starts), stop, reasons)


def kinds_of(situation: Situation) -> Fleet:
    """Return what the fleet would start for which sizes, for estimates of when results are there."""
    allowed = [each for each in situation.offers if situation.limits.allows(each)]
    on_sale = [each for each in allowed if each.name not in sold_out(situation)] or allowed
    most_gb = situation.policy.most_gb or inf
    return Fleet(
        most=situation.limits.max_workers,
        kinds=tuple(
            Kind(band.flavour.name, min(band.largest, most_gb), band.flavour.price)
            for band in bands(tuple(on_sale), situation.costs)
            if band.smallest < most_gb
        ),
        starts_in=situation.starts_in,
        dollars_a_day=situation.limits.dollars_a_day,
        spent_today=situation.spent,
    )

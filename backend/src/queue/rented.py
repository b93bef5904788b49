"""What renting hardware adds to a worker's decisions: sizes, and the money of a day. No side effects."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from src.inference.renting import Renting
from src.queue.policy import NO_SUCH_HARDWARE
from src.running.job import End, Ending
from src.shared.data.dollars import cost
from src.shared.data.queue_order import Requests
from src.shared.data.request import WAITS_FOR_A_WORKER, WAITS_FOR_MONEY, Request, Status
from src.shared.errors import CannotBeEvaluated
from src.shared.models.model_source import ModelFacts

UNKNOWN_SIZE = (
    "The number of parameters of {} is unknown, so no hardware can be chosen for it. Save its weights as "
    "safetensors with `save_pretrained`, and submit it again."
)
STOPPED_FOR_MONEY = (
    "The evaluation was stopped because the money that this leaderboard spends in a day is spent. It goes "
    "on with the next task when there is money again."
)
MUCH = 0.5
"""The share of a day's money that one evaluation must have cost to count as too dear for a day."""

AFTER_MIDNIGHT = "It is back in the queue, and can go on after midnight UTC."
NEEDS_MORE_MONEY = "The leaderboard's owner has to allow more money a day (MAX_DOLLARS_PER_DAY)."


def size_of(request: Request, facts: ModelFacts) -> float:
    """Return billions of parameters. Raises CannotBeEvaluated if they are unknown."""
    params = request.params or (facts.params / 1e9 if facts.params else None)
    if params is None:
        raise CannotBeEvaluated(UNKNOWN_SIZE.format(request.model))
    return params


def is_out_of_money(request: Request, renting: Renting, requests: Requests, now: datetime) -> bool:
    """Return whether a request of known size could begin, but for the money."""
    chosen = renting.choice(request.params, request.precision) if request.params else None
    return chosen is not None and not renting.can_afford(chosen, requests, now)


def waits_for_money(request: Request) -> Request | None:
    """Return a waiting request with the reason, or None if it has another or the same.

    Any other message is more specific. The words are the same for every worker.
    """
    is_open = request.message in ("", WAITS_FOR_A_WORKER)
    return replace(request, message=WAITS_FOR_MONEY) if is_open else None


def waits_no_longer_for_money(request: Request) -> Request | None:
    """Return a waiting request without that reason, or None if it has another."""
    is_stale = request.status is Status.PENDING and request.message == WAITS_FOR_MONEY
    return replace(request, message=WAITS_FOR_A_WORKER) if is_stale else None


def waits_for_hardware(request: Request, facts: ModelFacts, renting: Renting) -> Request | None:
    """Return a request whose size only the Hub knows with why it waits, if nothing will ever fit."""
    if renting.fits(size_of(request, facts), request.precision):
        return None
    is_open = request.message in ("", WAITS_FOR_A_WORKER)
    return replace(request, message=NO_SUCH_HARDWARE.format(request.precision)) if is_open else None


def end_for_money(
    request: Request, renting: Renting | None, requests: Requests, now: datetime
) -> Ending | None:
    """Return how a running evaluation must end for its cost, or None if it may go on.

    It counts as over budget only if it took much of the day's money itself. Otherwise it only came late.
    """
    lease = request.lease
    if renting is None or lease is None or lease.price is None or lease.own_machine:
        return None
    if not renting.is_spent(requests, now):
        return None
    is_dear = cost(lease.price, now - lease.started) >= MUCH * renting.dollars_a_day
    return Ending(End.OVER_BUDGET if is_dear else End.STOPPED, STOPPED_FOR_MONEY)

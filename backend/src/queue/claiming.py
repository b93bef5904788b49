"""What a worker claims: the first requests of the queue that it can take, and why others wait or fail.

No side effects, but the lookups of models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from src.queue.lifecycle import claim, fail
from src.queue.policy import Policy
from src.queue.rented import (
    is_out_of_money,
    size_of,
    waits_for_hardware,
    waits_for_money,
    waits_no_longer_for_money,
)
from src.queue.situation import Situation, held, waiting
from src.running.job import End
from src.shared.data.queue_order import Requests, in_order
from src.shared.data.request import WAITS_FOR_A_WORKER, Request, Status
from src.shared.errors import CannotBeEvaluated, ModelError, ModelNotFound, RevisionNotFound
from src.shared.models.model_source import ModelFacts, in_billions

LookUp = Callable[[Request], ModelFacts]
"""Looks up a request's model before the request is claimed.

Raises ModelError with a sentence for the submitter.
"""

MOST_LOOKUPS = 20
"""Look up no more models in a row in one tick without a claim: each may take two calls of the Hub."""

UNANSWERED = 2
"""Give up on the queue for this tick after this many unanswered lookups. Each takes half a minute."""

DUPLICATE = "The same evaluation is already requested in {}. See there for its result."


def claimed(
    situation: Situation, changes: Requests, look_up: LookUp, new_nonce: Callable[[], str]
) -> Iterator[tuple[str, Request]]:
    """Fill the free slots from the queue: yield the requests to rewrite, by path.

    A request fails if its model is not available, and stays in the queue if the lookup gets no answer.
    """
    requests = {**situation.requests, **changes}
    renting = situation.policy.renting
    free = situation.slots - len(held(requests, situation.alive))
    claims: dict[str, Request] = {}
    taken_up = {
        path: each for path, each in requests.items() if each.status in (Status.RUNNING, Status.FINISHED)
    }
    unanswered = in_vain = 0
    told: set[str] = set()
    yield from _left_for_others(requests, situation.policy)
    for path in waiting(requests, situation.policy, situation.now):
        if len(claims) >= free or unanswered >= UNANSWERED:
            break
        request = requests[path]
        if renting and not renting.may_rent({**requests, **claims}):
            break
        if renting and is_out_of_money(request, renting, {**requests, **claims}, situation.now):
            yield from _waiting_for_money(situation, {**requests, **claims})
            return
        if renting and request.params and renting.choice(request.params, request.precision) is None:
            continue  # what fits is not free
        if in_vain >= MOST_LOOKUPS:
            break
        in_vain += 1
        try:
            facts = look_up(request)
            hardware = renting.choice(size_of(request, facts), request.precision) if renting else None
        except (ModelNotFound, RevisionNotFound, CannotBeEvaluated) as error:
            told.add(path)
            yield path, fail(request, end=End.REFUSED, message=str(error), log=None, now=situation.now)
            continue
        except ModelError:
            unanswered += 1
            continue
        other = _same_as(taken_up | claims, request, facts.commit)
        if other and request.is_rerun:
            continue  # it waits until the other has ended
        if other:
            told.add(path)
            message = DUPLICATE.format(other)
            yield path, fail(request, end=End.REFUSED, message=message, log=None, now=situation.now)
            continue
        if renting is None:
            request = _with_its_size(request, facts)
            if not situation.policy.has_room_for(request):  # others take it, now that its size is known
                told.add(path)
                yield path, request
                continue
        if renting and hardware is None:
            if waits := waits_for_hardware(request, facts, renting):
                told.add(path)
                yield path, waits
            continue
        if renting and hardware and not renting.can_afford(hardware, {**requests, **claims}, situation.now):
            yield from _waiting_for_money(situation, {**requests, **claims})
            return
        taken = situation.taken_runs(request.model, claims)
        claims[path] = claim(
            request,
            worker=situation.worker,
            nonce=new_nonce(),
            terms=situation.policy.lease,
            now=situation.now,
            commit=facts.commit,
            taken_runs=taken,
            hardware=hardware,
            machine=situation.policy.machine,
        )
        in_vain = 0
        yield path, claims[path]
    for path, request in requests.items():
        if path not in claims and path not in told and (waits := waits_no_longer_for_money(request)):
            yield path, waits


def _with_its_size(request: Request, facts: ModelFacts) -> Request:
    """Return a request with the size that the Hub knows, if it had none."""
    return replace(request, params=in_billions(facts.params)) if request.params is None else request


def _waiting_for_money(situation: Situation, requests: Requests) -> Iterator[tuple[str, Request]]:
    """Explain once why requests wait although nothing runs.

    The first that cannot be afforded stops the queue: otherwise small models would take the money of each
    day, and a large one would never have its turn.
    """
    for path in waiting(requests, situation.policy, situation.now):
        if waits := waits_for_money(requests[path]):
            yield path, waits


def stands_still_for_money(requests: Requests, policy: Policy, now: datetime) -> bool:
    """Return whether nothing can be claimed because the day's money is spent."""
    renting = policy.renting
    if renting is None or not renting.may_rent(requests):
        return False
    queue = (requests[path] for path in waiting(requests, policy, now))
    startable = (each for each in queue if each.params and renting.choice(each.params, each.precision))
    first = next(startable, None)
    return first is not None and is_out_of_money(first, renting, requests, now)


def _left_for_others(requests: Requests, policy: Policy) -> Iterator[tuple[str, Request]]:
    """Explain once why a request stays in the queue, in words that are the same for every worker."""
    if policy.is_one_of_a_fleet:
        return
    for path in in_order(requests, policy.order):
        request = requests[path]
        message = policy.reason_to_leave(request)
        if message and request.message in ("", WAITS_FOR_A_WORKER):  # any other message is more specific
            yield path, replace(request, message=message)


def _same_as(others: Requests, request: Request, commit: str) -> str | None:
    """Return the path of another request, running or finished, for the same evaluation, if there is one.

    A rerun is wanted although there is a result: only a running one counts.
    """
    identity = replace(request, commit=commit).identity
    counts = (Status.RUNNING,) if request.is_rerun else (Status.RUNNING, Status.FINISHED)
    same = (path for path, other in others.items() if other.identity == identity and other.status in counts)
    return next(same, None)

"""What a worker decides at each tick: which requests to rewrite, given the datasets and its children.

No side effects.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from src.queue.lifecycle import (
    claim,
    fail,
    finish,
    move_to_another_run,
    release,
    renew,
    settle,
    taken_runs,
)
from src.queue.policy import Policy
from src.queue.rented import (
    AFTER_MIDNIGHT,
    NEEDS_MORE_MONEY,
    STOPPED_FOR_MONEY,
    end_for_money,
    is_out_of_money,
    size_of,
    waits_for_hardware,
    waits_for_money,
    waits_no_longer_for_money,
)
from src.queue.retries import PERHAPS_THE_MODELS_FAULT, ends_of_the_run
from src.running.job import End, Ending
from src.shared.data.names import log_path, result_path
from src.shared.data.queue_order import Requests, in_order
from src.shared.data.request import (
    LEASE_RAN_OUT,
    WAITS_FOR_A_WORKER,
    Phase,
    Progress,
    Request,
    Status,
)
from src.shared.data.result import Result
from src.shared.errors import CannotBeEvaluated, ModelError, ModelNotFound, RevisionNotFound
from src.shared.models.model_source import ModelFacts

LookUp = Callable[[Request], ModelFacts]
"""Looks up a request's model before the request is claimed.

Raises ModelError with a sentence for the submitter.
"""

MOST_LOOKUPS = 20
"""Look up no more models in a row in one tick without a claim: each may take two calls of the Hub."""

UNANSWERED = 2
"""Give up on the queue for this tick after this many unanswered lookups. Each takes half a minute."""

WORKER_STOPPED = "The worker evaluating it was stopped."
WORKER_RESTARTED = "The worker evaluating it was restarted."
NO_LEASE = "It was marked as running, but no worker had claimed it. It is back in the queue."
DUPLICATE = "The same evaluation is already requested in {}. See there for its result."


@dataclass(frozen=True)
class Situation:
    """Everything that a decision depends on."""

    requests: Requests
    """All readable requests, by path."""
    results: Mapping[str, Result]
    """The readable results, by path."""
    result_files: Mapping[str, str]
    """All files of the results dataset: git's blob id by path."""
    worker: str
    """The name of this worker."""
    now: datetime
    own_files: Mapping[str, str] = field(default_factory=dict)
    """The files that this worker wrote to the results dataset: git's blob id by path."""
    slots: int = 1
    """How many evaluations this worker runs at once."""
    is_stopping: bool = False
    """Whether the worker is shutting down and returns its claims."""
    policy: Policy = field(default_factory=Policy)
    alive: Mapping[str, Progress | None] = field(default_factory=dict)
    """The progress of each child of this worker, running or ended, by the nonce of its claim."""
    endings: Mapping[str, Ending] = field(default_factory=dict)
    """How the children that have ended did so, by the nonce of their claim."""
    silent: Collection[str] = ()
    """The nonces of other workers' leases that were not renewed for as long as they last."""


def plan(situation: Situation, *, look_up: LookUp, new_nonce: Callable[[], str]) -> dict[str, Request]:
    """Return the requests to rewrite, by path; empty when there is nothing to do.

    Settle what has ended, then fill the free slots, then renew leases. A lease is renewed when it is due, or
    when its progress changed and a commit is made anyway.
    """
    changes = dict(_settled(situation))
    changes |= dict(_claimed(situation, changes, look_up, new_nonce))
    changes |= dict(_renewed(situation, changes))
    return changes


def waiting(requests: Requests, policy: Policy, now: datetime) -> list[str]:
    """Return the paths that this worker could claim now, in the queue's order.

    Leave out models that it has no room for, and requests whose pause is not over.
    """
    return [
        path
        for path in in_order(requests, policy.order)
        if policy.has_room_for(requests[path]) and policy.retries.is_due(requests[path], now)
    ]


def held(requests: Requests, nonces: Collection[str]) -> dict[str, str]:
    """Return which of these claims are still valid: the path of the request by nonce."""
    return {
        request.lease.nonce: path
        for path, request in requests.items()
        if request.status is Status.RUNNING and request.lease and request.lease.nonce in nonces
    }


def published(path: str, request: Request, results: Mapping[str, Result]) -> Result | None:
    """Return the result of the request's run, whichever attempt or worker published it."""
    result = results.get(result_path(request.model, request.run)) if request.run else None
    return result if result and result.request == path and result.run == request.run else None


def _settled(situation: Situation) -> Iterator[tuple[str, Request]]:
    for path, request in situation.requests.items():
        after = _after_running if request.status is Status.RUNNING else _after_an_edit
        if (changed := after(path, request, situation)) and changed != request:
            yield path, changed


def _after_an_edit(path: str, request: Request, situation: Situation) -> Request | None:
    """Return the next state of a request whose status was edited by hand, such as to CANCELLED.

    Also finish a pending request whose result is already published.
    """
    if request.status is Status.PENDING and (result := published(path, request, situation.results)):
        return finish(request, result=result.path, log=None, now=situation.now)
    is_over = request.lease is not None or request.status is Status.CANCELLED
    return settle(request, now=situation.now) if is_over else None


def _after_running(path: str, request: Request, situation: Situation) -> Request | None:
    """Return the next state of a RUNNING request.

    None means that its evaluation goes on, or that its result is not published yet.
    """
    lease, now = request.lease, situation.now
    result = published(path, request, situation.results)
    if result:
        # A result and the log of its attempt are written in one commit. The result of another attempt comes
        # without this attempt's log.
        own_log = _log_of(request) if result.attempt == request.attempt else None
        return finish(request, result=result.path, log=own_log, now=now)
    if lease is None:
        return release(request, end=End.LOST, message=NO_LEASE, log=None, now=now)
    if lease.nonce in situation.endings:
        ending = situation.endings[lease.nonce]
        if ending.end is not End.FINISHED:
            return _after_failure(request, ending, situation)
        place = result_path(request.model, request.run or "")
        if place in situation.result_files:
            if situation.result_files[place] == situation.own_files.get(place):
                return None  # we wrote it, and the Hub does not serve it yet
            return move_to_another_run(request, now=now, taken_runs=_taken_runs(request.model, situation, {}))
    if lease.nonce in situation.alive:
        if lease.nonce in situation.endings:
            return None
        cut = end_for_money(request, situation.policy.renting, situation.requests, now)
        return _after_failure(request, cut, situation) if cut else None
    if lease.worker == situation.worker:
        gone = (
            Ending(End.STOPPED, WORKER_STOPPED)
            if situation.is_stopping
            else Ending(End.LOST, WORKER_RESTARTED)
        )
        return _after_failure(request, gone, situation)
    if situation.policy.lease.has_expired(lease, now) or lease.nonce in situation.silent:
        return _after_failure(request, Ending(End.LOST, LEASE_RAN_OUT), situation)
    return None


def _after_failure(request: Request, ending: Ending, situation: Situation) -> Request:
    """Return the request to the queue for another attempt, or fail it after the last one."""
    now, retries = situation.now, situation.policy.retries
    log = _log_of(request) if ending.log else None
    ends = [*ends_of_the_run(request), ending.end]
    if not retries.has_another(ends):
        times = f"It was tried {request.attempt} times." if request.attempt > 1 else ""
        if ending.end is End.OVER_BUDGET:
            times = f"{times} {NEEDS_MORE_MONEY}".strip()
        return fail(request, end=ending.end, message=ending.message, outlook=times, log=log, now=now)
    pause = retries.pause(ends)
    when = f"It will be retried after {now + pause:%H:%M} UTC" if pause else "It is back in the queue"
    is_counted = ending.end in PERHAPS_THE_MODELS_FAULT
    of = f" (attempt {request.attempt + 1} of at most {retries.attempts})" if is_counted else ""
    outlook = AFTER_MIDNIGHT if ending.message == STOPPED_FOR_MONEY else f"{when}{of}."
    return release(request, end=ending.end, message=ending.message, outlook=outlook, log=log, now=now)


def _log_of(request: Request) -> str | None:
    return log_path(request.model, request.run, request.attempt) if request.run else None


def _claimed(
    situation: Situation, changes: Requests, look_up: LookUp, new_nonce: Callable[[], str]
) -> Iterator[tuple[str, Request]]:
    """Fill the free slots from the queue.

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
        if renting and in_vain >= MOST_LOOKUPS:
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
        if renting and hardware is None:
            if waits := waits_for_hardware(request, facts, renting):
                told.add(path)
                yield path, waits
            continue
        if renting and hardware and not renting.can_afford(hardware, {**requests, **claims}, situation.now):
            yield from _waiting_for_money(situation, {**requests, **claims})
            return
        taken = _taken_runs(request.model, situation, claims)
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


def _renewed(situation: Situation, changes: Requests) -> Iterator[tuple[str, Request]]:
    standing = held(situation.requests, situation.alive)
    running = {
        nonce: path
        for nonce, path in standing.items()
        if nonce not in situation.endings and path not in changes
    }
    for nonce, path in running.items():
        request = situation.requests[path]
        progress = situation.alive[nonce]
        has_news = progress is not None and progress != request.progress
        due = request.lease is not None and situation.policy.lease.is_due(request.lease, situation.now)
        if due or (has_news and (changes or _phase(progress) != _phase(request.progress))):
            yield path, renew(request, terms=situation.policy.lease, now=situation.now, progress=progress)


def _phase(progress: Progress | None) -> Phase | None:
    return progress.phase if progress else None


def _taken_runs(model: str, situation: Situation, claims: Requests) -> set[str]:
    """Return the runs of the model's requests and results, and of the claims about to be written."""
    return taken_runs(model, [*situation.requests.values(), *claims.values()], situation.result_files)

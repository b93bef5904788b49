"""What a worker decides at each tick: from what the datasets and its children say to the requests to rewrite.
No side effects.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from src.job import End, Ending
from src.lifecycle import claim, fail, finish, move_to_another_run, release, renew, settle
from src.policy import Policy, size_in_gb
from src.retries import PERHAPS_THE_MODELS_FAULT, ends_of_the_run
from src.shared.errors import CannotBeEvaluated, ModelError, ModelNotFound, RevisionNotFound
from src.shared.model_source import ModelFacts
from src.shared.names import log_path, result_path
from src.shared.queue_order import Requests, in_order
from src.shared.request import Progress, Request, Status
from src.shared.result import Result

Look = Callable[[Request], ModelFacts]
"""Finds out about a request's model before it is claimed. Raises ModelError with a sentence for its
submitter.
"""

WORKER_STOPPED = "The worker that evaluated it was stopped."
WORKER_RESTARTED = "The worker that evaluated it was restarted."
LEASE_RAN_OUT = "The worker that evaluated it was not heard of any more."
NO_LEASE = "It was marked as running, but no worker held it; it waits to be evaluated."
TOO_LARGE = "Its weights have {:,.3g} GB: it waits for a worker that has room for them."


@dataclass(frozen=True)
class Situation:
    """All that a decision rests on.

    `results` are the readable results and `result_files` all paths in the results dataset. `alive` has the
    nonce of each claim whose child is in this worker's hands, running or ended, with its progress; `endings`
    has those that ended. `slots` is how many evaluations this worker runs at once. A worker that
    `is_stopping` gives back what it holds.
    """

    requests: Requests
    results: Mapping[str, Result]
    result_files: Collection[str]
    worker: str
    now: datetime
    slots: int = 1
    is_stopping: bool = False
    policy: Policy = field(default_factory=Policy)
    alive: Mapping[str, Progress | None] = field(default_factory=dict)
    endings: Mapping[str, Ending] = field(default_factory=dict)


def plan(situation: Situation, *, look: Look, new_nonce: Callable[[], str]) -> dict[str, Request]:
    """The requests to rewrite, by path; empty when there is nothing to do.

    First what has ended is settled, then free slots are filled, then leases are renewed: those that are due,
    and any other whose progress changed if something is written anyway.
    """
    changes = dict(_settled(situation))
    changes |= dict(_claimed(situation, changes, look, new_nonce))
    changes |= dict(_renewed(situation, changes))
    return changes


def waiting(requests: Requests, policy: Policy, now: datetime) -> list[str]:
    """What this worker would take now: the paths in the queue's order, without those that it has no room for
    and those that wait for the end of a pause.
    """
    return [
        path
        for path in in_order(requests, policy.order)
        if policy.has_room_for(requests[path]) and is_due(requests[path], policy, now)
    ]


def is_due(request: Request, policy: Policy, now: datetime) -> bool:
    """Whether the pause after its last attempt is over."""
    due = policy.retries.due(request)
    return due is None or due <= now


def held(requests: Requests, nonces: Collection[str]) -> dict[str, str]:
    """Which of these claims still stand: the path of the request by nonce."""
    return {
        request.lease.nonce: path
        for path, request in requests.items()
        if request.status is Status.RUNNING and request.lease and request.lease.nonce in nonces
    }


def published(path: str, request: Request, results: Mapping[str, Result]) -> Result | None:
    """The result of the request's run, whichever attempt or worker put it into the dataset."""
    result = results.get(result_path(request.model, request.run)) if request.run else None
    return result if result and result.request == path and result.run == request.run else None


def _settled(situation: Situation) -> Iterator[tuple[str, Request]]:
    for path, request in situation.requests.items():
        after = _after_running if request.status is Status.RUNNING else _after_a_hand
        if (changed := after(path, request, situation)) and changed != request:
            yield path, changed


def _after_a_hand(path: str, request: Request, situation: Situation) -> Request | None:
    """What becomes of a request into which somebody wrote another status, such as CANCELLED."""
    is_over = request.lease is not None or request.status is Status.CANCELLED
    return settle(request, now=situation.now) if is_over else None


def _after_running(path: str, request: Request, situation: Situation) -> Request | None:
    """What becomes of a RUNNING request; None when its evaluation goes on, or its result is yet to be
    published.
    """
    lease, now = request.lease, situation.now
    result = published(path, request, situation.results)
    if result:
        # A result and the log of its attempt come in one commit; another attempt's was cut short.
        own_log = _log_of(request) if result.attempt == request.attempt else None
        return finish(request, result=result.path, log=own_log, now=now)
    if lease is None:
        return release(request, end=End.LOST, message=NO_LEASE, log=None, now=now)
    if lease.nonce in situation.endings:
        ending = situation.endings[lease.nonce]
        if ending.end is not End.FINISHED:
            return _after_failure(request, ending, situation)
        if result_path(request.model, request.run or "") in situation.result_files:
            return move_to_another_run(request, now=now, taken_runs=_taken_runs(request.model, situation, {}))
    if lease.nonce in situation.alive:
        return None
    if lease.worker == situation.worker:
        gone = (
            Ending(End.STOPPED, WORKER_STOPPED)
            if situation.is_stopping
            else Ending(End.LOST, WORKER_RESTARTED)
        )
        return _after_failure(request, gone, situation)
    if situation.policy.lease.has_expired(lease, now):
        return _after_failure(request, Ending(End.LOST, LEASE_RAN_OUT), situation)
    return None


def _after_failure(request: Request, ending: Ending, situation: Situation) -> Request:
    """Back into the queue for another attempt, or FAILED after the last one."""
    now, retries = situation.now, situation.policy.retries
    log = _log_of(request) if ending.log else None
    ends = [*ends_of_the_run(request), ending.end]
    if not retries.has_another(ends):
        times = f"It was tried {request.attempt} times." if request.attempt > 1 else ""
        return fail(request, end=ending.end, message=ending.message, outlook=times, log=log, now=now)
    pause = retries.pause(ends)
    when = f"It is tried again from {now + pause:%H:%M} UTC on" if pause else "It waits to be evaluated again"
    is_counted = ending.end in PERHAPS_THE_MODELS_FAULT
    of = f" (attempt {request.attempt + 1}, of {retries.attempts} at most)" if is_counted else ""
    outlook = f"{when}{of}."
    return release(request, end=ending.end, message=ending.message, outlook=outlook, log=log, now=now)


def _log_of(request: Request) -> str | None:
    return log_path(request.model, request.run, request.attempt) if request.run else None


def _claimed(
    situation: Situation, changes: Requests, look: Look, new_nonce: Callable[[], str]
) -> Iterator[tuple[str, Request]]:
    """Fill the free slots from the queue; a request whose model cannot be had fails, one that cannot be
    looked up now waits on.
    """
    requests = {**situation.requests, **changes}
    free = situation.slots - len(held(requests, situation.alive))
    claims: dict[str, Request] = {}
    yield from _left_for_others(requests, situation.policy)
    for path in waiting(requests, situation.policy, situation.now):
        if len(claims) >= free:
            return
        request = requests[path]
        try:
            facts = look(request)
        except (ModelNotFound, RevisionNotFound, CannotBeEvaluated) as error:
            yield path, fail(request, end=End.REFUSED, message=str(error), log=None, now=situation.now)
            continue
        except ModelError:
            continue
        taken = _taken_runs(request.model, situation, claims)
        claims[path] = claim(
            request,
            worker=situation.worker,
            nonce=new_nonce(),
            terms=situation.policy.lease,
            now=situation.now,
            commit=facts.commit,
            taken_runs=taken,
        )
        yield path, claims[path]


def _left_for_others(requests: Requests, policy: Policy) -> Iterator[tuple[str, Request]]:
    """Say once, in words that do not depend on which worker says it, why a request is left in the queue."""
    for path in in_order(requests, policy.order):
        request = requests[path]
        if policy.has_room_for(request):
            continue
        message = TOO_LARGE.format(size_in_gb(request))
        if request.message != message:
            yield path, replace(request, message=message)


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
        if due or (changes and has_news):
            yield path, renew(request, terms=situation.policy.lease, now=situation.now, progress=progress)


def _taken_runs(model: str, situation: Situation, claims: Requests) -> set[str]:
    """The runs of the model's requests and results, and of the claims that are about to be written."""
    requests = [*situation.requests.values(), *claims.values()]
    of_requests = {request.run for request in requests if request.model == model and request.run}
    prefix, suffix = f"{model}/results_", ".json"
    files = {path for path in situation.result_files if path.startswith(prefix) and path.endswith(suffix)}
    return of_requests | {path.removeprefix(prefix).removesuffix(suffix) for path in files}

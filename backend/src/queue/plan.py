"""What a worker decides at each tick: which requests to rewrite, given the datasets and its children.

No side effects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from src.queue.claiming import LookUp, claimed
from src.queue.lifecycle import fail, finish, move_to_another_run, release, renew, settle
from src.queue.rented import AFTER_MIDNIGHT, NEEDS_MORE_MONEY, STOPPED_FOR_MONEY, end_for_money
from src.queue.retries import PERHAPS_THE_MODELS_FAULT, ends_of_the_run
from src.queue.situation import Situation, held
from src.running.job import End, Ending
from src.shared.data.names import log_path, result_path
from src.shared.data.queue_order import Requests
from src.shared.data.request import LEASE_RAN_OUT, Phase, Progress, Request, Status
from src.shared.data.result import Result

WORKER_STOPPED = "The worker evaluating it was stopped."
WORKER_RESTARTED = "The worker evaluating it was restarted."
NO_LEASE = "It was marked as running, but no worker had claimed it. It is back in the queue."


def plan(situation: Situation, *, look_up: LookUp, new_nonce: Callable[[], str]) -> dict[str, Request]:
    """Return the requests to rewrite, by path; empty when there is nothing to do.

    Settle what has ended, then fill the free slots, then renew leases. A lease is renewed when it is due, or
    when its progress changed and a commit is made anyway.
    """
    changes = dict(_settled(situation))
    changes |= dict(claimed(situation, changes, look_up, new_nonce))
    changes |= dict(_renewed(situation, changes))
    return changes


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
            return move_to_another_run(request, now=now, taken_runs=situation.taken_runs(request.model, {}))
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

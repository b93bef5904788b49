"""What a worker decides at each tick: from what the datasets and its children say to the requests to rewrite.
No side effects.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from src.job import End, Ending
from src.lifecycle import LeaseTerms, claim, fail, finish, move_to_another_run, release, renew
from src.shared.errors import CannotBeEvaluated, ModelError, ModelNotFound, RevisionNotFound
from src.shared.model_source import ModelFacts
from src.shared.names import log_path, result_path
from src.shared.request import Progress, Request, Status
from src.shared.result import Result

Requests = Mapping[str, Request]
"""Requests by path in the requests dataset."""

Look = Callable[[Request], ModelFacts]
"""Finds out about a request's model before it is claimed. Raises ModelError with a sentence for its
submitter.
"""

WORKER_RESTARTED = "The worker that evaluated it was restarted; it waits to be evaluated again."
LEASE_RAN_OUT = "The worker that evaluated it was not heard of any more; it waits to be evaluated again."
NO_LEASE = "It was marked as running, but no worker held it; it waits to be evaluated."


@dataclass(frozen=True)
class Situation:
    """All that a decision rests on.

    `results` are the readable results and `result_files` all paths in the results dataset. `alive` has the
    nonce of each claim whose child is in this worker's hands, running or ended, with its progress; `endings`
    has those that ended. `slots` is how many evaluations this worker runs at once.
    """

    requests: Requests
    results: Mapping[str, Result]
    result_files: Collection[str]
    worker: str
    now: datetime
    slots: int = 1
    terms: LeaseTerms = field(default_factory=LeaseTerms)
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


def waiting(requests: Requests) -> list[str]:
    """The queue: the paths of the PENDING requests, the oldest first."""
    latest = datetime.max.replace(tzinfo=UTC)
    pending = [path for path, request in requests.items() if request.status is Status.PENDING]
    return sorted(pending, key=lambda path: (requests[path].submitted or latest, path))


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
        if request.status is Status.RUNNING and (after := _after_running(path, request, situation)):
            yield path, after


def _after_running(path: str, request: Request, situation: Situation) -> Request | None:
    """What becomes of a RUNNING request; None when its evaluation goes on, or its result is yet to be
    published.
    """
    lease, now = request.lease, situation.now
    log = log_path(request.model, request.run, request.attempt) if request.run else None
    result = published(path, request, situation.results)
    if result:
        # A result and the log of its attempt come in one commit; another attempt's was cut short.
        own_log = log if result.attempt == request.attempt else None
        return finish(request, result=result.path, log=own_log, now=now)
    if lease is None:
        return release(request, message=NO_LEASE, now=now)
    if lease.nonce in situation.endings:
        ending = situation.endings[lease.nonce]
        if ending.end is not End.FINISHED:
            kept_log = log if ending.log else None
            return fail(request, end=ending.end, message=ending.message, log=kept_log, now=now)
        if result_path(request.model, request.run or "") in situation.result_files:
            return move_to_another_run(request, now=now, taken_runs=_taken_runs(request.model, situation, {}))
    if lease.nonce in situation.alive:
        return None
    if lease.worker == situation.worker:
        return release(request, message=WORKER_RESTARTED, now=now)
    if situation.terms.has_expired(lease, now):
        return release(request, message=LEASE_RAN_OUT, now=now)
    return None


def _claimed(
    situation: Situation, changes: Requests, look: Look, new_nonce: Callable[[], str]
) -> Iterator[tuple[str, Request]]:
    """Fill the free slots from the queue; a request whose model cannot be had fails, one that cannot be
    looked up now waits on.
    """
    requests = {**situation.requests, **changes}
    free = situation.slots - len(held(requests, situation.alive))
    claims: dict[str, Request] = {}
    for path in waiting(requests):
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
            terms=situation.terms,
            now=situation.now,
            commit=facts.commit,
            taken_runs=taken,
        )
        yield path, claims[path]


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
        due = request.lease is not None and situation.terms.is_due(request.lease, situation.now)
        if due or (changes and has_news):
            yield path, renew(request, terms=situation.terms, now=situation.now, progress=progress)


def _taken_runs(model: str, situation: Situation, claims: Requests) -> set[str]:
    """The runs of the model's requests and results, and of the claims that are about to be written."""
    requests = [*situation.requests.values(), *claims.values()]
    of_requests = {request.run for request in requests if request.model == model and request.run}
    prefix, suffix = f"{model}/results_", ".json"
    files = {path for path in situation.result_files if path.startswith(prefix) and path.endswith(suffix)}
    return of_requests | {path.removeprefix(prefix).removesuffix(suffix) for path in files}

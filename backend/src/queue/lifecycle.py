"""The steps in a request's life that a worker takes. Each takes a request and returns the new one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from src.shared.data.ends import End
from src.shared.data.request import CLOCK_SKEW, WAITS_FOR_A_WORKER, Attempt, Lease, Progress, Request, Status
from src.shared.times import to_run

if TYPE_CHECKING:  # the frontend's tests run these steps, on the code that both Spaces share
    from src.running.inference import Hardware, Machine

SENTENCES = {
    Status.PENDING: WAITS_FOR_A_WORKER,
    Status.RUNNING: "A worker is evaluating it.",
    Status.FINISHED: "Its result is on the leaderboard.",
    Status.CANCELLED: "It was withdrawn.",
}
"""The `message` of a request that has no special reason."""

IDLE = timedelta(minutes=15)
"""After this long without a call the Hub stops an endpoint."""

EARLIER_SENTENCES = ("A worker evaluates it.", "It was taken back.")
"""The same in requests that an earlier version wrote."""


@dataclass(frozen=True)
class LeaseTerms:
    """When leases are renewed and when they expire."""

    duration: timedelta = timedelta(minutes=60)
    """How long a lease lasts from its last renewal."""
    skew: timedelta = CLOCK_SKEW
    """How far the clocks of different machines may differ."""

    def is_due(self, lease: Lease, now: datetime) -> bool:
        """Return whether to renew the lease: a third of it has passed, or the clock leapt back since."""
        return now - lease.renewed >= self.duration / 3 or lease.renewed - now > self.skew

    def has_expired(self, lease: Lease, now: datetime) -> bool:
        """Return whether its worker can be considered dead, by every clock that is right within the skew."""
        return lease.has_run_out(now, skew=self.skew)


def claim(
    request: Request,
    *,
    worker: str,
    nonce: str,
    terms: LeaseTerms,
    now: datetime,
    commit: str,
    taken_runs: Collection[str],
    hardware: Hardware | None = None,
    machine: Machine | None = None,
) -> Request:
    """PENDING → RUNNING: the worker takes the lease, and at the first claim the run gets its name.

    `taken_runs` are the runs of the model's other requests and results. Avoiding them keeps two results from
    sharing a file name. `hardware` is what is rented for the evaluation; without any it runs on `machine`.
    """
    lease = Lease(
        worker=worker,
        nonce=nonce,
        started=now,
        renewed=now,
        until=now + terms.duration,
    )
    if hardware:
        lease = replace(lease, hardware=hardware.id, price=hardware.price)
    elif machine:
        lease = replace(lease, hardware=machine.id, price=machine.price, own_machine=True)
    return replace(
        request,
        status=Status.RUNNING,
        commit=commit,
        run=request.run or _free_run(now, taken_runs),
        attempt=request.attempt + 1,
        lease=lease,
        progress=None,
        message=SENTENCES[Status.RUNNING],
    )


def taken_runs(model: str, requests: Iterable[Request], result_files: Iterable[str]) -> set[str]:
    """Return the runs of a model's requests and results, so that no two results share a file name."""
    prefix, suffix = f"{model}/results_", ".json"
    files = {path for path in result_files if path.startswith(prefix) and path.endswith(suffix)}
    of_requests = {each.run for each in requests if each.model == model and each.run}
    return of_requests | {path.removeprefix(prefix).removesuffix(suffix) for path in files}


def renew(request: Request, *, terms: LeaseTerms, now: datetime, progress: Progress | None) -> Request:
    """RUNNING → RUNNING: the lease starts again now, with the current progress."""
    assert request.lease
    lease = replace(request.lease, renewed=now, until=now + terms.duration)
    return replace(request, lease=lease, progress=progress or request.progress)


def move_to_another_run(request: Request, *, now: datetime, taken_runs: Collection[str]) -> Request:
    """RUNNING → RUNNING under a new run, because another file already has the result's name."""
    return replace(request, run=_free_run(now, taken_runs))


def finish(request: Request, *, result: str, log: str | None, now: datetime) -> Request:
    """RUNNING → FINISHED: its result is published at `result`."""
    message = SENTENCES[Status.FINISHED]
    ended = _end_attempt(request, end=End.FINISHED, message=message, log=log, now=now)
    return replace(ended, status=Status.FINISHED, result=result, message=message)


def fail(
    request: Request, *, end: End, message: str, outlook: str = "", log: str | None, now: datetime
) -> Request:
    """RUNNING or PENDING → FAILED, with the reason for its submitter.

    The history keeps the message without the outlook.
    """
    ended = _end_attempt(request, end=end, message=message, log=log, now=now)
    return replace(ended, status=Status.FAILED, message=f"{message} {outlook}".strip())


def release(
    request: Request, *, end: End, message: str, outlook: str = "", log: str | None, now: datetime
) -> Request:
    """RUNNING → PENDING: this attempt is over, and any worker can claim the next one."""
    ended = _end_attempt(request, end=end, message=message, log=log, now=now)
    return replace(ended, status=Status.PENDING, message=f"{message} {outlook}".strip())


def settle(request: Request, *, now: datetime) -> Request:
    """Clean up a request whose status was edited by hand: end its attempt, and drop an outdated message."""
    message = request.message
    if message in (*SENTENCES.values(), *EARLIER_SENTENCES) and message != SENTENCES.get(request.status):
        message = SENTENCES.get(request.status, "")
    ended = _end_attempt(request, end=End.CANCELLED, message=message, log=None, now=now)
    return replace(ended, message=message)


def _end_attempt(request: Request, *, end: End, message: str, log: str | None, now: datetime) -> Request:
    """End the lease. If there was one, add the attempt to the history."""
    history = request.history
    if request.lease:
        attempt = _attempt(request, request.lease, end=end, message=message, log=log, now=now)
        history = (*history, attempt)
    return replace(request, lease=None, progress=None, history=history)


def _attempt(
    request: Request, lease: Lease, *, end: End, message: str, log: str | None, now: datetime
) -> Attempt:
    """Return the entry of an attempt. What was rented for it costs nothing if it was never to be had.

    Nobody knows when the attempt of a lost worker ended. Later than this, no endpoint cost anything; what the
    worker's own machine cost after that was not for this evaluation.
    """
    if lease.price is not None and end is End.LOST:
        now = min(now, lease.until + IDLE)
    attempt = lease.attempt(request.attempt, end.value, message, ended=now, log=log)
    return replace(attempt, price=0.0) if lease.price and end is End.NO_HARDWARE else attempt


def _free_run(now: datetime, taken: Collection[str]) -> str:
    while to_run(now) in taken:
        now += timedelta(microseconds=1)
    return to_run(now)

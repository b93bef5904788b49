"""The steps in a request's life that maintainers take. Each takes a request and returns the new one.

Every step is in the request's history, with who took it and when. The steps of workers are in the backend's
`queue/lifecycle.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ..data.ends import End
from ..data.request import (
    APPROVED,
    CANCELLED,
    LEASE_RAN_OUT,
    REJECTED,
    RERUN,
    RESUBMITTED,
    RETRIED,
    WAITS_FOR_A_WORKER,
    Attempt,
    Request,
    Status,
)
from ..errors import NotPossible

LIVE = (Status.WAITING, Status.PENDING, Status.RUNNING)
"""Those of a request that is still to be evaluated."""

CAN_BE_REJECTED = (Status.WAITING, Status.PENDING)
CAN_BE_CANCELLED = LIVE
CAN_BE_RETRIED = (Status.FAILED, Status.CANCELLED)
CAN_BE_RERUN = (Status.FINISHED,)

WAS_CANCELLED = "It was cancelled while it ran."
IS_THERE = "{} cannot be put into the queue: another request for the same evaluation is {}. See {}."


def approved(request: Request, *, by: str | None, now: datetime) -> Request:
    """WAITING → PENDING: workers may claim it. Raises NotPossible."""
    _must_be(request, (Status.WAITING,), "approved")
    entry = _entry(request, APPROVED, f"It was approved{_by(by)}.", by=by, now=now)
    return replace(
        request,
        status=Status.PENDING,
        message=WAITS_FOR_A_WORKER,
        history=(*request.history, entry),
    )


def rejected(request: Request, *, by: str | None, reason: str, now: datetime) -> Request:
    """WAITING or PENDING → CANCELLED, with the reason for its submitter. Raises NotPossible."""
    _must_be(request, CAN_BE_REJECTED, "rejected")
    return taken_out(
        request, end=REJECTED, message=_with(f"It was rejected{_by(by)}", reason), by=by, now=now
    )


def cancelled(request: Request, *, by: str | None, reason: str = "", now: datetime) -> Request:
    """WAITING, PENDING or RUNNING → CANCELLED. A worker that evaluates it stops. Raises NotPossible."""
    _must_be(request, CAN_BE_CANCELLED, "cancelled")
    return taken_out(
        request, end=CANCELLED, message=_with(f"It was cancelled{_by(by)}", reason), by=by, now=now
    )


def again(request: Request, *, by: str | None, now: datetime, tasks: Sequence[str] | None = None) -> Request:
    """FINISHED, FAILED or CANCELLED → PENDING, at the same commit and with all its attempts.

    `tasks` are the only ones to evaluate it on; None means all, or after an end without a result the same
    ones. Raises NotPossible.
    """
    _must_be(request, (*CAN_BE_RERUN, *CAN_BE_RETRIED), "evaluated again")
    end = RERUN if request.status in CAN_BE_RERUN else RETRIED
    kept = request.tasks if end == RETRIED and tasks is None else tasks
    on = f" on {', '.join(tasks)}" if tasks else ""
    entry = _entry(request, end, f"{by or 'A maintainer'} had it evaluated again{on}.", by=by, now=now)
    return replace(
        request,
        status=Status.PENDING,
        run=None,
        attempt=0,
        lease=None,
        progress=None,
        result=None,
        message=WAITS_FOR_A_WORKER,
        tasks=tuple(kept) if kept else None,
        history=(*request.history, *cut_short(request, now), entry),
    )


def refuse_a_second(path: str, requests: Mapping[str, Request]) -> None:
    """Raise NotPossible if a request that is to be put into the queue has a twin: a worker would end it.

    A twin that waits for approval is in nobody's way. One that is finished is not in the way of a rerun,
    which has a result itself.
    """
    request = requests[path]
    in_the_way = (Status.PENDING, Status.RUNNING, *([] if request.status in CAN_BE_RERUN else CAN_BE_RERUN))
    for other, each in requests.items():
        if other != path and each.status in in_the_way and each.is_same_as(request):
            raise NotPossible(IS_THERE.format(request.model, each.status, other))


def taken_out(request: Request, *, end: str, message: str, by: str | None, now: datetime) -> Request:
    """Return the request as CANCELLED. A worker that evaluates it stops; the history has who did it.

    If the worker counts as dead, its attempt ended before, and whoever took the request out is not to blame.
    """
    lease, history = request.lease, request.history
    if lease and lease.has_run_out(now):
        lost = lease.attempt(request.attempt, End.LOST, LEASE_RAN_OUT, ended=now)
        lease, history = None, (*history, lost)
    entry = (
        lease.attempt(request.attempt, end, message, ended=now, by=by)
        if lease
        else replace(_entry(request, end, message, by=by, now=now), started=request.submitted)
    )
    return replace(
        request,
        status=Status.CANCELLED,
        message=message,
        lease=None,
        progress=None,
        history=(*history, entry),
    )


def cut_short(request: Request, now: datetime) -> list[Attempt]:
    """Return the running attempt of a request cancelled by hand, if no worker has noticed that yet."""
    if not request.lease:
        return []
    return [request.lease.attempt(request.attempt, End.CANCELLED, WAS_CANCELLED, ended=now)]


def _must_be(request: Request, statuses: Sequence[Status], what: str) -> None:
    """Raise NotPossible, with who did what last, unless the request has one of these statuses."""
    if request.status in statuses:
        return
    since = _who_was_first(request)
    allowed = " or ".join(statuses) if len(statuses) < 3 else f"{', '.join(statuses[:-1])} or {statuses[-1]}"
    raise NotPossible(
        f"{request.model} cannot be {what}: it is {request.status}, and only a request that is {allowed} can "
        f"be.{since}"
    )


def _who_was_first(request: Request) -> str:
    if request.status is Status.RUNNING and request.lease:
        return f" The worker {request.lease.worker} has taken it."
    last = request.history[-1] if request.history else None
    if last is None or last.by is None or last.ended is None:
        return ""
    if last.end == RESUBMITTED:  # `by` had submitted it before
        return f" {last.message}"
    return f" {last.by} was first: {last.message}"


def _entry(request: Request, end: str, message: str, *, by: str | None, now: datetime) -> Attempt:
    return Attempt(request.attempt, "", None, now, end, message, by=by)


def _by(by: str | None) -> str:
    return f" by {by}" if by else ""


def _with(what: str, reason: str) -> str:
    return f"{what}: {reason}" if reason else f"{what}."

"""The turns of a request: each time that somebody submitted it, and what became of that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from src.shared.data.ends import WORKERS_FAULT
from src.shared.data.request import AGAIN, RESUBMITTED, Attempt, Request, Status


@dataclass(frozen=True)
class Turn:
    """One turn of a request."""

    by: str | None
    """Who submitted it; None without a login."""
    is_open: bool
    """Whether it waits, for a maintainer or a worker, or runs."""
    began: datetime | None
    """When its last attempt began, not counting attempts that failed through the worker's fault."""


def turns(request: Request) -> Iterator[Turn]:
    """Yield the turns of a request, the present one last. What maintainers have evaluated again belongs to no
    turn.
    """
    entries: list[Attempt] = []
    for entry in request.history:
        if entry.end == RESUBMITTED:
            yield _turn(entry.by, entry.started, entries)
            entries = []
        else:
            entries.append(entry)
    yield _turn(request.submitted_by, request.submitted, entries, request)


def _turn(
    by: str | None, submitted: datetime | None, entries: Sequence[Attempt], present: Request | None = None
) -> Turn:
    """Return the turn that these history entries make. `present` is the request, for the last turn."""
    own = list(takewhile(lambda entry: entry.end not in AGAIN, entries))
    if present is None or len(own) < len(entries):
        return Turn(by, False, _began(own, submitted))
    if present.status in (Status.WAITING, Status.PENDING, Status.RUNNING):
        return Turn(by, True, None)
    if present.lease:  # CANCELLED by hand, and no worker has noticed yet
        own.append(Attempt(present.attempt, present.lease.worker, present.lease.started, None, ""))
    began = _began(own, submitted)
    if (
        began is None and present.status is Status.FINISHED
    ):  # by a worker that died before it could write that down
        began = max((entry.started for entry in own if entry.started), default=submitted)
    return Turn(by, False, began)


def _began(entries: Sequence[Attempt], submitted: datetime | None) -> datetime | None:
    """Return when the last attempt that counts began, but never a time before the submission."""
    counted = [entry.started for entry in entries if _counts(entry)]
    return max(filter(None, [*counted, submitted]), default=None) if counted else None


def _counts(entry: Attempt) -> bool:
    """Return whether the attempt used compute and did not fail through the worker's fault."""
    if entry.is_by_a_person:
        return bool(entry.worker)
    return entry.end not in WORKERS_FAULT

"""The queue: where each request stands, since when, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from src.shared.data.queue_order import DEFAULT, in_order
from src.shared.data.request import Attempt, Request, Status

EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)


class Group(StrEnum):
    """The five tables of the queue; the value is the table's name."""

    WAITING = "Waiting for approval"
    RUNNING = "Running"
    PENDING = "Pending"
    FINISHED = "Finished"
    FAILED = "Failed"


GROUPS = {
    Status.WAITING: Group.WAITING,
    Status.RUNNING: Group.RUNNING,
    Status.PENDING: Group.PENDING,
    Status.FINISHED: Group.FINISHED,
    Status.FAILED: Group.FAILED,
    Status.CANCELLED: Group.FAILED,
}


@dataclass(frozen=True)
class Entry:
    """One request in the queue."""

    path: str
    request: Request
    position: int | None = None
    """Its place among the pending requests; 1 is next. None for all others."""

    @property
    def group(self) -> Group:
        """The table that shows it."""
        return GROUPS[self.request.status]

    @property
    def started(self) -> datetime | None:
        """When its present attempt began, or its last one if the request has ended."""
        if self.request.lease:
            return self.request.lease.started
        return self._last.started if self._last else None

    @property
    def renewed(self) -> datetime | None:
        """When its worker last renewed the lease, and with it the progress."""
        return self.request.lease.renewed if self.request.lease else None

    @property
    def ended(self) -> datetime | None:
        """When its last attempt ended, if the request has ended."""
        return self._last.ended if self._last else None

    @property
    def reason(self) -> str:
        """Why it has its status, in one sentence."""
        return self.request.message or (self._last.message if self._last else "")

    @property
    def _last(self) -> Attempt | None:
        is_over = self.group in (Group.FINISHED, Group.FAILED)
        return self.request.history[-1] if is_over and self.request.history else None


def entries(requests: Mapping[str, Request], order: Sequence[str] = DEFAULT) -> tuple[Entry, ...]:
    """Return the requests in order: running, pending in the queue's order, waiting for approval (the oldest
    first), then ended (the newest first).
    """
    plain = [Entry(path, request) for path, request in requests.items()]
    waiting = in_order(requests, order)
    return (
        *sorted(_of(Group.RUNNING, plain), key=lambda entry: (entry.started or LATEST, entry.path)),
        *(Entry(path, requests[path], position) for position, path in enumerate(waiting, start=1)),
        *sorted(_of(Group.WAITING, plain), key=lambda entry: (entry.request.submitted or LATEST, entry.path)),
        *sorted(_of(Group.FINISHED, plain), key=_newest_first),
        *sorted(_of(Group.FAILED, plain), key=_newest_first),
    )


def grouped(queue: Iterable[Entry]) -> dict[Group, list[Entry]]:
    """Return the entries by table."""
    queue = list(queue)
    return {group: _of(group, queue) for group in Group}


def _of(group: Group, queue: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in queue if entry.group is group]


def _newest_first(entry: Entry) -> tuple[timedelta, str]:
    return LATEST - (entry.ended or entry.request.submitted or EARLIEST), entry.path

"""What a worker's page shows: running evaluations, the queue and recent events."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from src.queue.situation import held
from src.shared.data.queue_order import Requests, in_order
from src.shared.data.request import Progress, Request, Status

EVENTS = 50
"""How many recent events are kept."""

SHARE_TO_JUDGE_BY = 0.02
"""The share that must be done before the remaining time can be estimated."""

EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Running:
    """A running evaluation."""

    request: Request
    started: datetime
    progress: Progress | None
    share: float
    """The part of all its tasks that is done, from 0 to 1."""
    log: str = ""
    """The end of its log."""

    def time_left(self, now: datetime) -> timedelta | None:
        """Return the remaining time at the speed so far, or None while it cannot be estimated."""
        if self.share < SHARE_TO_JUDGE_BY:
            return None
        return (now - self.started) * ((1 - self.share) / self.share)


@dataclass(frozen=True)
class Event:
    """A change of a request's status, as a sentence."""

    time: datetime
    request: Request
    sentence: str


@dataclass(frozen=True)
class Spending:
    """What this leaderboard's rented hardware costs in a day, in dollars."""

    today: float
    """What has been spent since midnight UTC."""
    limit: float
    """What may be spent: MAX_DOLLARS_PER_DAY."""


@dataclass(frozen=True)
class Overview:
    """What a worker's page shows at one moment."""

    running: tuple[Running, ...]
    """This worker's evaluations."""
    waiting: tuple[Request, ...]
    """The queue in order."""
    events: tuple[Event, ...]
    """Events since this worker started, newest first."""
    failed: tuple[Request, ...] = ()
    """Failed requests of all workers, newest first."""
    spending: Spending | None = None
    """None where nothing is rented."""


class Journal:
    """The recent events of this process, for the page only. Everything that must last is in the requests."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=EVENTS)

    def note(self, before: Requests, changes: Requests, now: datetime) -> None:
        """Remember each request whose status or message changed."""
        for path, request in changes.items():
            old = before.get(path)
            if not old or (old.status, old.message) != (request.status, request.message):
                self._events.appendleft(Event(now, request, request.message))

    def events(self) -> tuple[Event, ...]:
        """Return the events, newest first."""
        return tuple(self._events)


def make_overview(
    requests: Requests,
    progress: Mapping[str, Progress | None],
    logs: Mapping[str, str],
    *,
    tasks: tuple[str, ...],
    order: tuple[str, ...],
    journal: Journal,
    spending: Spending | None = None,
) -> Overview:
    """Build the overview. `progress` and `logs` belong to the worker's running children, by nonce."""
    running = []
    for nonce, path in held(requests, progress).items():
        request = requests[path]
        if request.lease:
            share = _share(progress[nonce], request.tasks_among(tasks))
            running.append(
                Running(request, request.lease.started, progress[nonce], share, logs.get(nonce, ""))
            )
    failed = [request for request in requests.values() if request.status is Status.FAILED]
    return Overview(
        running=tuple(running),
        waiting=tuple(requests[path] for path in in_order(requests, order)),
        events=journal.events(),
        failed=tuple(sorted(failed, key=_ended, reverse=True)),
        spending=spending,
    )


def _ended(request: Request) -> datetime:
    last = request.history[-1].ended if request.history else None
    return last or request.submitted or EARLIEST


def _share(progress: Progress | None, tasks: tuple[str, ...]) -> float:
    """Return the share that is done. Tasks run one after another and count equally."""
    if progress is None or progress.task not in tasks:
        return 0.0
    part = progress.done / progress.total if progress.total else 0.0
    return (tasks.index(progress.task) + min(part, 1.0)) / len(tasks)

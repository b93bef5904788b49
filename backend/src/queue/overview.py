"""What a worker shows to people: what runs, what waits, what happened."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from src.queue.plan import held
from src.shared.data.queue_order import Requests, in_order
from src.shared.data.request import Progress, Request, Status

EVENTS = 50
"""How many of the last events are kept."""

SHARE_TO_JUDGE_BY = 0.02
"""From how much on the time that is left can be told from the time that has passed."""

EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Running:
    """One evaluation under way; `share` is the part of all its tasks that is done, from 0 to 1, and `log` the
    end of its log.
    """

    request: Request
    started: datetime
    progress: Progress | None
    share: float
    log: str = ""

    def time_left(self, now: datetime) -> timedelta | None:
        """How long it will take if it goes on as fast as until now; None while that cannot be told."""
        if self.share < SHARE_TO_JUDGE_BY:
            return None
        return (now - self.started) * ((1 - self.share) / self.share)


@dataclass(frozen=True)
class Event:
    """One change of a request's status, as a sentence."""

    time: datetime
    request: Request
    sentence: str


@dataclass(frozen=True)
class Overview:
    """A worker at one moment: what runs in its hands, the queue in order; of what happened in its life and of
    what failed, whoever ran it, the newest first.
    """

    running: tuple[Running, ...]
    waiting: tuple[Request, ...]
    events: tuple[Event, ...]
    failed: tuple[Request, ...] = ()


class Journal:
    """The last events of this process. It is for the page; what must be remembered stands in the requests."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=EVENTS)

    def note(self, before: Requests, changes: Requests, now: datetime) -> None:
        """Remember each request whose status or message changed."""
        for path, request in changes.items():
            old = before.get(path)
            if not old or (old.status, old.message) != (request.status, request.message):
                self._events.appendleft(Event(now, request, request.message))

    def events(self) -> tuple[Event, ...]:
        """The events, the newest first."""
        return tuple(self._events)


def make_overview(
    requests: Requests,
    progress: Mapping[str, Progress | None],
    logs: Mapping[str, str],
    *,
    tasks: tuple[str, ...],
    order: tuple[str, ...],
    journal: Journal,
) -> Overview:
    """Put together what a worker shows; `progress` and `logs` are of its running children, by nonce."""
    running = []
    for nonce, path in held(requests, progress).items():
        request = requests[path]
        if request.lease:
            share = _share(progress[nonce], tasks)
            running.append(
                Running(request, request.lease.started, progress[nonce], share, logs.get(nonce, ""))
            )
    failed = [request for request in requests.values() if request.status is Status.FAILED]
    return Overview(
        running=tuple(running),
        waiting=tuple(requests[path] for path in in_order(requests, order)),
        events=journal.events(),
        failed=tuple(sorted(failed, key=_ended, reverse=True)),
    )


def _ended(request: Request) -> datetime:
    last = request.history[-1].ended if request.history else None
    return last or request.submitted or EARLIEST


def _share(progress: Progress | None, tasks: tuple[str, ...]) -> float:
    """Tasks run one after the other, and count alike."""
    if progress is None or progress.task not in tasks:
        return 0.0
    part = progress.done / progress.total if progress.total else 0.0
    return (tasks.index(progress.task) + min(part, 1.0)) / len(tasks)

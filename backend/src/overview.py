"""What a worker shows to people: what runs, what waits, what happened."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from src.plan import Requests, held, waiting
from src.shared.request import Progress, Request, Status

EVENTS = 50
"""How many of the last events are kept."""


@dataclass(frozen=True)
class Running:
    """One evaluation under way; `share` is the part of all its tasks that is done, from 0 to 1."""

    request: Request
    started: datetime
    progress: Progress | None
    share: float


@dataclass(frozen=True)
class Event:
    """One change of a request's status, as a sentence."""

    time: datetime
    request: Request
    sentence: str


@dataclass(frozen=True)
class Overview:
    """A worker at one moment: what runs in its hands, the queue in order, the last events with the newest
    first.
    """

    running: tuple[Running, ...]
    waiting: tuple[Request, ...]
    events: tuple[Event, ...]


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
    requests: Requests, progress: Mapping[str, Progress | None], tasks: tuple[str, ...], journal: Journal
) -> Overview:
    """Put together what a worker shows; `progress` is of its running children, by nonce."""
    running = []
    for nonce, path in held(requests, progress).items():
        request = requests[path]
        if request.lease and request.status is Status.RUNNING:
            running.append(
                Running(request, request.lease.started, progress[nonce], _share(progress[nonce], tasks))
            )
    return Overview(tuple(running), tuple(requests[path] for path in waiting(requests)), journal.events())


def _share(progress: Progress | None, tasks: tuple[str, ...]) -> float:
    """Tasks run one after the other, and count alike."""
    if progress is None or progress.task not in tasks:
        return 0.0
    part = progress.done / progress.total if progress.total else 0.0
    return (tasks.index(progress.task) + min(part, 1.0)) / len(tasks)

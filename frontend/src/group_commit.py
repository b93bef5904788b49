"""Writes submissions into the requests dataset: those that come while one is written go into the next commit
together, and when an hour's commits run high, those that come within two minutes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import NamedTuple

from src.queue import entries
from src.shared.errors import Conflict, LeaderboardError, StoreError
from src.shared.mirror import Reading
from src.shared.request import Request, write_request
from src.shared.store import Store, blob_id
from src.shared.times import Clock, utc_now

log = logging.getLogger(__name__)

TRIES = 20
"""How often what waits is decided again because the requests changed in between."""

LONGEST_GATHERING = timedelta(seconds=100)
"""With the commit itself nobody waits for more than two minutes."""

GATHERS_FROM, GATHERS_LONGEST_FROM = 0.3, 0.5
"""Fractions of what the Hub takes: submissions leave the rest to the workers, which go first."""


class Placed(NamedTuple):
    """A submission's request and the file that takes it."""

    path: str
    request: Request


class Receipt(NamedTuple):
    """A submission that is in the queue: its file, its content and its position there."""

    path: str
    request: Request
    position: int


Decide = Callable[[Mapping[str, Request], Collection[str]], Placed]
"""Decides on one submission, from all requests by path, those that are written with it included, and all file
names that are taken. Raises LeaderboardError to refuse it.
"""

Show = Callable[[Mapping[str, Request]], None]
"""Is told of requests, by path, as soon as they are in the dataset."""


@dataclass
class _Waiting:
    """One submission that waits, and what became of it."""

    decide: Decide
    outcome: Receipt | LeaderboardError | None = None


class GroupCommit:
    """Where submissions wait for their commit. `read` gives the requests dataset as it is now."""

    def __init__(
        self,
        store: Store,
        read: Callable[[], Reading[Request]],
        *,
        show: Show = lambda requests: None,
        clock: Clock = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._read = read
        self._show = show
        self._clock = clock
        self._sleep = sleep
        self._last = datetime.min.replace(tzinfo=UTC)
        self._queue: list[_Waiting] = []
        self._queueing, self._writing = Lock(), Lock()

    def due(self) -> datetime | None:
        """When a submission that comes now is written; None is at once."""
        pause = self._store.pace.pause(
            LONGEST_GATHERING, begins=GATHERS_FROM, longest_from=GATHERS_LONGEST_FROM
        )
        return self._last + pause if pause and self._last + pause > self._clock() else None

    def put(self, decide: Decide) -> Receipt:
        """Have a submission written, and return when it is. Raises what `decide` raises, and StoreError."""
        waiting = _Waiting(decide)
        with self._queueing:
            self._queue.append(waiting)
        with self._writing:
            if waiting.outcome is None:
                self._gather()
                self._write_all(asked_by=waiting)
        assert waiting.outcome
        if isinstance(waiting.outcome, LeaderboardError):
            raise waiting.outcome
        return waiting.outcome

    def _gather(self) -> None:
        due = self.due()
        if due:
            self._sleep((due - self._clock()).total_seconds())

    def _write_all(self, *, asked_by: _Waiting) -> None:
        """Write what waits, with one commit. After an error that nobody foresaw, the others wait on."""
        with self._queueing:
            batch, self._queue = self._queue, []
        try:
            self._write(batch)
        finally:
            with self._queueing:
                left = [each for each in batch if each.outcome is None and each is not asked_by]
                self._queue = left + self._queue

    def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            outcomes = self._landed(batch)
        except StoreError as error:
            outcomes = [StoreError(str(error)) for _ in batch]
        for waiting, outcome in zip(batch, outcomes, strict=True):
            waiting.outcome = outcome

    def _landed(self, batch: Sequence[_Waiting]) -> list[Receipt | LeaderboardError]:
        """What becomes of each, once those that are not refused are in the dataset. Raises StoreError."""
        for _ in range(TRIES):
            reading = self._read()
            decided = _decided(batch, reading)
            new = dict(each for each in decided if isinstance(each, Placed))
            if new and not self._is_committed(new, reading):
                continue
            self._last = self._clock()
            self._show(new)
            queue = entries({**reading.values, **new})
            positions = {entry.path: entry.position or 0 for entry in queue}
            return [
                Receipt(each.path, each.request, positions[each.path]) if isinstance(each, Placed) else each
                for each in decided
            ]
        raise StoreError(
            f"{self._store} changes faster than it can be written: nothing was submitted. "
            "Try again in a minute."
        )

    def _is_committed(self, new: Mapping[str, Request], reading: Reading[Request]) -> bool:
        """Write the files; False when the requests changed since they were read. Raises StoreError."""
        add = {path: write_request(request) for path, request in new.items()}
        try:
            self._store.commit(add=add, message=_message(list(new)), parent=reading.snapshot)
        except StoreError as error:
            files = self._read().snapshot.files
            if any(files.get(path) != blob_id(data) for path, data in add.items()):
                if isinstance(error, Conflict):
                    return False
                raise
        log.info("submitted %s", ", ".join(new))
        return True


def _decided(batch: Sequence[_Waiting], reading: Reading[Request]) -> list[Placed | LeaderboardError]:
    """Each in the order in which they came: a later one sees the earlier ones."""
    requests, taken = dict(reading.values), set(reading.snapshot.files)
    decided: list[Placed | LeaderboardError] = []
    for waiting in batch:
        try:
            placed = waiting.decide(requests, taken)
        except LeaderboardError as refusal:
            decided.append(refusal)
            continue
        requests[placed.path] = placed.request
        taken.add(placed.path)
        decided.append(placed)
    return decided


def _message(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"Submit {paths[0]}{more}"

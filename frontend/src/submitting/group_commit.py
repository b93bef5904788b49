"""Writes submissions and withdrawals into the requests dataset, several per commit.

Those that arrive during a commit share the next one. When an hour's commits run high, those of two minutes
do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event, Lock
from typing import NamedTuple

from src.queue.entries import entries
from src.shared.data.queue_order import DEFAULT
from src.shared.data.request import Request, Status, write_request
from src.shared.errors import LeaderboardError, StoreError
from src.shared.process.steady import on_the_wall, steady_now
from src.shared.stores.conflicts import without_conflict
from src.shared.stores.hub import RETRIED
from src.shared.stores.mirror import Reading
from src.shared.stores.store import Store, blob_id
from src.shared.times import Clock

log = logging.getLogger(__name__)

LONGEST_GATHERING = timedelta(seconds=100)
"""Together with the commit itself, nobody waits longer than two minutes."""

GATHERS_FROM, GATHERS_LONGEST_FROM = 0.3, 0.5
"""Fractions of the Hub's limit. Submissions leave the rest to the workers, which have priority."""


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
"""Decides on one submission, from all requests by path (including those of the same commit) and all file
names in use. Raises LeaderboardError to refuse it.
"""

Show = Callable[[Mapping[str, Request]], None]
"""Receives requests, by path, as soon as they are in the dataset."""


NOT_WRITTEN = (
    "Nothing was written, and it will not be retried automatically. Send it again in a minute. If that does "
    "not help, tell the leaderboard's owner: {}"
)
UNKNOWN = (
    "We could not find out whether it was written. Look for it in the queue in a minute, and send it again "
    "if it is not there. The cause, for the leaderboard's owner: {}"
)


class _Waiting(NamedTuple):
    """One waiting submission, and the future of its outcome."""

    decide: Decide
    outcome: Future[Receipt]


class GroupCommit:
    """Where submissions wait for their commit.

    `read` returns the requests dataset as it is now, `order` the rules of the queue's order. `clock` is for
    intervals. A thread of its own writes, so nobody needs a thread to wait in.
    """

    def __init__(
        self,
        store: Store,
        read: Callable[[], Reading[Request]],
        *,
        show: Show = lambda requests: None,
        order: Callable[[], Sequence[str]] = lambda: DEFAULT,
        clock: Clock = steady_now,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._store = store
        self._read = read
        self._show = show
        self._order = order
        self._clock = clock
        self._closing = Event()
        self._sleep = sleep or self._closing.wait
        self._last = datetime.min.replace(tzinfo=UTC)
        self._queue: list[_Waiting] = []
        self._lock = Lock()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="submissions")

    @property
    def waiting(self) -> int:
        """The number of submissions that wait for their commit."""
        return len(self._queue)

    def due(self) -> datetime | None:
        """When a submission that arrives now will be written, in wall-clock time; None means at once."""
        due = self._due()
        return on_the_wall(due) if due else None

    def _due(self) -> datetime | None:
        pause = self._store.pace.pause(
            LONGEST_GATHERING, begins=GATHERS_FROM, longest_from=GATHERS_LONGEST_FROM
        )
        return self._last + pause if pause and self._last + pause > self._clock() else None

    def put(self, decide: Decide) -> Future[Receipt]:
        """Queue a submission for writing. The future has the receipt, what `decide` raised, or StoreError."""
        waiting = _Waiting(decide, Future())
        with self._lock:
            self._queue.append(waiting)
        self._writer.submit(self._write_what_waits)
        return waiting.outcome

    def close(self) -> None:
        """Write at once what is waiting, then stop."""
        self._closing.set()
        self._writer.shutdown(wait=True)

    def _write_what_waits(self) -> None:
        """Write everything that has arrived so far in one commit; later calls then find nothing to do."""
        if not self._queue:
            return
        due = self._due()
        if due:
            self._sleep((due - self._clock()).total_seconds())
        with self._lock:
            waiting, self._queue = self._queue, []
        # From now on none can be cancelled. Callers who left before are skipped.
        batch = [each for each in waiting if each.outcome.set_running_or_notify_cancel()]
        if not batch:
            return
        try:
            outcomes: Sequence[Receipt | Exception] = self._landed(batch)
        except _Unknown as error:
            outcomes = [StoreError(UNKNOWN.format(_cause(error)))] * len(batch)
        except StoreError as error:
            outcomes = [StoreError(NOT_WRITTEN.format(_cause(error)))] * len(batch)
        except Exception as error:
            log.exception("could not write %d submissions", len(batch))
            outcomes = [error] * len(batch)
        for each, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Exception):
                each.outcome.set_exception(outcome)
            else:
                each.outcome.set_result(outcome)

    def _landed(self, batch: Sequence[_Waiting]) -> list[Receipt | Exception]:
        """Return each outcome, once all that were not refused are in the dataset. Raises StoreError."""
        return without_conflict(
            lambda: self._decide_and_commit(batch), f"{self._store} changes faster than it can be written."
        )

    def _decide_and_commit(self, batch: Sequence[_Waiting]) -> list[Receipt | Exception]:
        reading = self._read()
        decided = _decided(batch, reading)
        new = dict(each for each in decided if isinstance(each, Placed))
        if new:
            self._commit(new, reading)
        self._last = self._clock()
        self._show(new)
        queue = entries({**reading.values, **new}, self._order())
        positions = {entry.path: entry.position or 0 for entry in queue}
        return [
            Receipt(each.path, each.request, positions[each.path]) if isinstance(each, Placed) else each
            for each in decided
        ]

    def _commit(self, new: Mapping[str, Request], reading: Reading[Request]) -> None:
        """Write the files. Raises Conflict when the requests changed since they were read, and StoreError."""
        add = {path: write_request(request) for path, request in new.items()}
        try:
            self._store.commit(add=add, message=_message(new), parent=reading.snapshot)
        except StoreError as error:
            try:
                files = self._read().snapshot.files
            except StoreError:
                raise _Unknown(str(error)) from error
            if any(files.get(path) != blob_id(data) for path, data in add.items()):
                raise
        log.info("wrote %s", ", ".join(new))


class _Unknown(StoreError):
    """We could not find out whether a commit landed."""


def _cause(error: StoreError) -> str:
    """Return the error's message without the promise that the Space retries."""
    return str(error).removesuffix(RETRIED).strip()


def _decided(batch: Sequence[_Waiting], reading: Reading[Request]) -> list[Placed | Exception]:
    """Decide on each in order. Later ones see the earlier ones, and an error affects only its own."""
    requests, taken = dict(reading.values), set(reading.snapshot.files)
    decided: list[Placed | Exception] = []
    for waiting in batch:
        try:
            placed = waiting.decide(requests, taken)
        except LeaderboardError as refusal:
            decided.append(refusal)
            continue
        except Exception as error:
            log.exception("could not decide on a submission")
            decided.append(error)
            continue
        requests[placed.path] = placed.request
        taken.add(placed.path)
        decided.append(placed)
    return decided


def _message(requests: Mapping[str, Request]) -> str:
    """A commit message that names the first file and counts the others."""
    path, request = next(iter(requests.items()))
    verb = "Withdraw" if request.status is Status.CANCELLED else "Submit"
    return f"{verb} {path}" + (f" and {len(requests) - 1} more" if len(requests) > 1 else "")

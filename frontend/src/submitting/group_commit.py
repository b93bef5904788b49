"""Writes changes to a dataset, several per commit, and gives each its own outcome.

Those that arrive during a commit share the next one. When an hour's commits run high, those of two minutes
do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Lock
from typing import Generic, NamedTuple, TypeVar

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


T = TypeVar("T")
"""What the dataset's files hold."""

R = TypeVar("R")
"""What becomes of a change: its submitter receives it."""


class Change(NamedTuple, Generic[T]):
    """A file to write, and what it is to hold."""

    path: str
    value: T


Decide = Callable[[Mapping[str, T], Collection[str]], Change[T]]
"""Decides on one change, from all values by path (including those of the same commit) and all file names in
use. Raises LeaderboardError to refuse it.
"""


@dataclass(frozen=True)
class Kind(Generic[T, R]):
    """What the changes are about: the only part that knows."""

    write: Callable[[T], bytes]
    """Returns the content of a value's file."""
    describe: Callable[[Change[T]], str]
    """Returns the commit's message for a change."""
    receipts: Callable[[Collection[Change[T]], Mapping[str, T]], Sequence[R]]
    """Returns what each change's submitter receives, given all values by path after the commit."""


NOT_WRITTEN = (
    "Nothing was written, and it will not be retried automatically. Send it again in a minute. If that does "
    "not help, tell the leaderboard's owner: {}"
)
UNKNOWN = (
    "We could not find out whether it was written. Look for it in the queue in a minute, and send it again "
    "if it is not there. The cause, for the leaderboard's owner: {}"
)


class _Waiting(NamedTuple, Generic[T, R]):
    """One waiting change, and the future of its outcome."""

    decide: Decide[T]
    outcome: Future[R]


class GroupCommit(Generic[T, R]):
    """Where changes wait for their commit.

    `read` returns the dataset as it is now. `show` receives the new values, by path, as soon as they are
    written. `clock` is for intervals. A thread of its own writes, so nobody needs a thread to wait in.
    """

    def __init__(
        self,
        store: Store,
        read: Callable[[], Reading[T]],
        kind: Kind[T, R],
        *,
        show: Callable[[Mapping[str, T]], None] = lambda new: None,
        clock: Clock = steady_now,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._store = store
        self._read = read
        self._kind = kind
        self._show = show
        self._clock = clock
        self._closing = Event()
        self._sleep = sleep or self._closing.wait
        self._last = datetime.min.replace(tzinfo=UTC)
        self._queue: list[_Waiting[T, R]] = []
        self._lock = Lock()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="group-commit")

    @property
    def waiting(self) -> int:
        """The number of changes that wait for their commit."""
        return len(self._queue)

    def due(self) -> datetime | None:
        """When a change that arrives now will be written, in wall-clock time; None means at once."""
        due = self._due()
        return on_the_wall(due) if due else None

    def _due(self) -> datetime | None:
        pause = self._store.pace.pause(
            LONGEST_GATHERING, begins=GATHERS_FROM, longest_from=GATHERS_LONGEST_FROM
        )
        return self._last + pause if pause and self._last + pause > self._clock() else None

    def put(self, decide: Decide[T]) -> Future[R]:
        """Queue a change for writing. The future has the receipt, what `decide` raised, or StoreError."""
        waiting: _Waiting[T, R] = _Waiting(decide, Future())
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
            outcomes: Sequence[R | Exception] = self._landed(batch)
        except _Unknown as error:
            outcomes = [StoreError(UNKNOWN.format(_cause(error)))] * len(batch)
        except StoreError as error:
            outcomes = [StoreError(NOT_WRITTEN.format(_cause(error)))] * len(batch)
        except Exception as error:
            log.exception("could not write %d changes", len(batch))
            outcomes = [error] * len(batch)
        for each, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Exception):
                each.outcome.set_exception(outcome)
            else:
                each.outcome.set_result(outcome)

    def _landed(self, batch: Sequence[_Waiting[T, R]]) -> list[R | Exception]:
        """Return each outcome, once all that were not refused are in the dataset. Raises StoreError."""
        return without_conflict(
            lambda: self._decide_and_commit(batch), f"{self._store} changes faster than it can be written."
        )

    def _decide_and_commit(self, batch: Sequence[_Waiting[T, R]]) -> list[R | Exception]:
        reading = self._read()
        decided = _decided(batch, reading)
        changes = [each for each in decided if isinstance(each, Change)]
        new = dict(changes)
        if changes:
            self._commit(changes, reading)
        self._last = self._clock()
        self._show(new)
        receipts = iter(self._kind.receipts(changes, {**reading.values, **new}))
        return [next(receipts) if isinstance(each, Change) else each for each in decided]

    def _commit(self, changes: Sequence[Change[T]], reading: Reading[T]) -> None:
        """Write the files. Raises Conflict when the dataset changed since it was read, and StoreError."""
        add = {change.path: self._kind.write(change.value) for change in changes}
        message = self._kind.describe(changes[0])
        if len(add) > 1:
            message += f" and {len(add) - 1} more"
        try:
            self._store.commit(add=add, message=message, parent=reading.snapshot)
        except StoreError as error:
            try:
                files = self._read().snapshot.files
            except StoreError:
                raise _Unknown(str(error)) from error
            if any(files.get(path) != blob_id(data) for path, data in add.items()):
                raise
        log.info("wrote %s", ", ".join(add))


class _Unknown(StoreError):
    """We could not find out whether a commit landed."""


def _cause(error: StoreError) -> str:
    """Return the error's message without the promise that the Space retries."""
    return str(error).removesuffix(RETRIED).strip()


def _decided(batch: Sequence[_Waiting[T, R]], reading: Reading[T]) -> list[Change[T] | Exception]:
    """Decide on each in order. Later ones see the earlier ones, and an error affects only its own."""
    values, taken = dict(reading.values), set(reading.snapshot.files)
    decided: list[Change[T] | Exception] = []
    for waiting in batch:
        try:
            change = waiting.decide(values, taken)
        except LeaderboardError as refusal:
            decided.append(refusal)
            continue
        except Exception as error:
            log.exception("could not decide on a change")
            decided.append(error)
            continue
        values[change.path] = change.value
        taken.add(change.path)
        decided.append(change)
    return decided

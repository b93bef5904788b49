"""Both datasets as a worker last read them: kept in memory and indexed, and its commits to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from src.shared.data.reports import read_result
from src.shared.data.request import Request, read_request
from src.shared.data.result import Result
from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from src.shared.process.steady import on_the_wall
from src.shared.stores.conflicts import Commit, beginning_with, update
from src.shared.stores.indexer import Indexer
from src.shared.stores.mirror import Mirror, Reading
from src.shared.stores.store import Store
from src.shared.times import Clock

T = TypeVar("T")

Files = Mapping[str, bytes]
"""Files to commit, by path; empty for no commit."""

LONGEST_GATHERING = timedelta(minutes=1)
"""How long changes are collected at most, unless the Hub accepts no more commits at all."""

GATHERS_FROM, GATHERS_LONGEST_FROM = 0.75, 0.95
"""Fractions of the hourly commit limit. They are higher than the frontend's, so that evaluations go first."""


class BothDatasets:
    """The requests and the results. Only one thread at a time may refresh them or write to them.

    `samples` is the store of samples, if they have one: its commits count too. `steady` is for intervals.
    """

    def __init__(
        self, requests: Store, results: Store, *, steady: Clock, samples: Store | None = None
    ) -> None:
        self.requests: Reading[Request] = Reading.empty()
        """The requests as last read."""
        self.results: Reading[Result] = Reading.empty()
        """The results as last read."""
        self.readings = 0
        """How often the requests were read."""
        self.synced: datetime | None = None
        """When both datasets were last read, by the steady clock."""
        self._request_store, self._result_store = requests, results
        self._stores = tuple(filter(None, (requests, results, samples)))
        self._requests = Mirror(requests, lambda path, data: read_request(data), index=REQUESTS_INDEX)
        self._results = Mirror(results, read_result, index=RESULTS_INDEX)
        self._requests_indexer = Indexer(requests, self._requests, REQUESTS_INDEX, steady)
        self._results_indexer = Indexer(results, self._results, RESULTS_INDEX, steady)
        self._steady = steady
        self._last_commit = datetime.min.replace(tzinfo=UTC)

    @property
    def knows_all(self) -> bool:
        """Whether the Hub delivered every request at the last reading."""
        return not self.requests.undelivered

    def refresh(self) -> None:
        """Read both datasets, usually once a tick. On the Hub this takes one call each. Raises StoreError.

        Requests are read last, since less time before their commit means fewer conflicts. The first time they
        are read first: if both datasets are missing, the error should name the requests.
        """
        both = [self._refresh_results, self._refresh_requests]
        for refresh in both if self.synced else reversed(both):
            refresh()
        self.synced = self._steady()

    def _refresh_requests(self) -> Reading[Request]:
        self.requests = self._requests.refresh()
        self.readings += 1
        return self.requests

    def _refresh_results(self) -> Reading[Result]:
        self.results = self._results.refresh()
        return self.results

    def write_requests(self, decide: Callable[[Reading[Request]], Files]) -> Reading[Request]:
        """Commit the files that `decide` makes of the requests, and return what it decided on.

        After a conflict only they are read again: older results only finish fewer requests. Raises
        StoreError.
        """
        return self._write(self._request_store, "update", self.requests, self._refresh_requests, decide)

    def write_results(self, decide: Callable[[Reading[Result]], Files]) -> Reading[Result]:
        """Do the same with the results. Raises StoreError."""
        return self._write(self._result_store, "publish", self.results, self._refresh_results, decide)

    def _write(
        self,
        store: Store,
        verb: str,
        first: Reading[T],
        read: Callable[[], Reading[T]],
        decide: Callable[[Reading[T]], Files],
    ) -> Reading[T]:
        files: Files = {}

        def commit(reading: Reading[T]) -> Commit | None:
            nonlocal files
            files = decide(reading)
            return Commit(reading.snapshot, _message(verb, files), files) if files else None

        reading = update(store, beginning_with(first, read), commit)
        if files:
            self._last_commit = self._steady()
        return reading

    def created(self) -> list[str]:
        """Return the datasets that this process created, as long as they are empty."""
        held = [
            (self._request_store, len(self.requests.values)),
            (self._result_store, len(self.results.values)),
        ]
        return [str(store) for store, number in held if store.is_new and not number]

    def keep_indexes(self) -> None:
        """Update the indexes if they are too old. Frontends do the same. Raises StoreError."""
        if data := self._requests_indexer.due(self.requests):
            self._requests_indexer.write(self.requests, data)
        if data := self._results_indexer.due(self.results):
            self._results_indexer.write(self.results, data)

    def gathers_until(self) -> datetime | None:
        """Return until when changes are collected because of the Hub's commit limit, or None."""
        paces = [store.pace for store in self._stores]
        pause = max(
            pace.pause(LONGEST_GATHERING, begins=GATHERS_FROM, longest_from=GATHERS_LONGEST_FROM)
            for pace in paces
        )
        now = self._steady()
        due = now + LONGEST_GATHERING if any(pace.is_full for pace in paces) else self._last_commit + pause
        return on_the_wall(due) if due > now else None


def _message(verb: str, files: Files) -> str:
    """Return a commit message that names the first file and counts the others."""
    first, *others = sorted(files)
    return f"{verb} {first}" + (f" and {len(others)} more" if others else "")

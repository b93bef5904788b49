"""The keeper of the board: reads what changed in the datasets and puts a new board in the old one's place."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from src.board.board import Board, Now
from src.board.making import (
    NOTHING_CHECKED,
    About,
    Readings,
    blocklist,
    closed,
    make_board,
    moderation,
    queue_order,
)
from src.leaderboard.flags import read_flags
from src.leaderboard.merging import standings
from src.queue.entries import entries
from src.shared.data.backend_description import read_description
from src.shared.data.names import ACTS, BACKEND_DESCRIPTION, BLOCKLIST, FLAGS, places
from src.shared.data.reports import read_result
from src.shared.data.request import Request, read_request
from src.shared.data.result import Result
from src.shared.data.signs import no_worker_since
from src.shared.errors import StoreError
from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from src.shared.models.model_source import Presence
from src.shared.moderation.acts import Moderation, read_acts
from src.shared.moderation.blocklist import Blocklist, read_blocklist, with_acts
from src.shared.process.steady import steady_now
from src.shared.stores.conflicts import without_conflict
from src.shared.stores.indexer import Indexer
from src.shared.stores.mirror import Mirror, Reading
from src.shared.stores.store import Snapshot, Store
from src.shared.stores.whose import Role, Whose
from src.shared.times import Clock, utc_now
from src.tasks import Task

log = logging.getLogger(__name__)

WRITING_CHECKED_AFTER = timedelta(minutes=15)
WRITING_CHECKED_AGAIN_AFTER = timedelta(minutes=1)

ESTIMATES_LAST = timedelta(minutes=5)
"""How long the page tells the same estimates while nothing in the queue changes."""


class Keeper:
    """Keeps the board. All methods may be called from any thread; `now` is always there and costs nothing."""

    def __init__(
        self,
        requests: Store,
        results: Store,
        tasks: Sequence[Task],
        *,
        num_fewshot: int | None = None,
        rank_mixed: bool = True,
        local_models: Callable[[], frozenset[str]] = frozenset,
        presences: Callable[[], Mapping[str, Presence]] = lambda: NOTHING_CHECKED,
        hints: tuple[str, ...] = (),
        whose: Whose | None = None,
        clock: Clock = utc_now,
        steady: Clock = steady_now,
    ) -> None:
        # Counted from the time, so that pages which outlive a restart of the Space see a new version.
        self.now = Now(Board(standings(tasks, {}, ()), as_of=clock()), version=int(clock().timestamp()))
        self.requests, self.results = requests, results
        self._requests = Mirror(
            requests, lambda _, data: read_request(data), index=REQUESTS_INDEX, on_progress=self._report_left
        )
        self._results = Mirror(results, read_result, index=RESULTS_INDEX, on_progress=self._show_a_part)
        self._backend = Mirror(
            results,
            lambda _, data: read_description(data),
            is_wanted=places(BACKEND_DESCRIPTION).__contains__,
        )
        self._blocked = Mirror(
            requests, lambda _, data: read_blocklist(data), is_wanted=places(BLOCKLIST).__contains__
        )
        self._flags = Mirror(requests, lambda _, data: read_flags(data), is_wanted=FLAGS.__eq__)
        self._acts = Mirror(requests, lambda _, data: read_acts(data), is_wanted=ACTS.__eq__)
        self._moderation = Moderation()
        self._read: Readings | None = None
        self._about = About(tasks, num_fewshot, rank_mixed, hints)
        self._local_models = local_models
        self._presences = presences
        self._clock, self._steady = clock, steady
        self._whose = whose or Whose(Role.FRONTEND)
        self._shown: dict[str, Request] = {}
        self._cannot_submit = ""
        self._writing_checked: datetime | None = None
        self._requests_indexer = Indexer(requests, self._requests, REQUESTS_INDEX, steady)
        self._results_indexer = Indexer(results, self._results, RESULTS_INDEX, steady)
        self._reading_requests, self._reading_results = threading.Lock(), threading.Lock()
        self._publishing, self._syncing = threading.Lock(), threading.Lock()

    def sync(self) -> None:
        """Read what changed. If a dataset cannot be read, keep the old board and set
        `problem` to the reason. Of two threads the second waits, so that no older board replaces a newer one.
        """
        try:
            with self._syncing:
                self._sync()
        except StoreError as error:
            self._report_problem(str(error))
        except Exception as error:
            log.exception("could not sync")
            self._report_problem(
                f"An unexpected error ({type(error).__name__}): see the log. It will be retried."
            )

    def _sync(self) -> None:
        """The two datasets have locks of their own: nobody who submits waits while the results are read."""
        if not self.now.synced:
            self._fill()
        with self._publishing:
            self._shown = {}
        requests = self.read_requests()
        with self._reading_results:
            results = self._results.refresh()
            self._whose.check(self.results, results.snapshot)
            backend = self._backend.at(results.snapshot)
            read = Readings(
                requests,
                self._blocked.latest,
                results,
                backend,
                self._flags.latest,
                self._moderation,
                self._presences(),
            )
        self._check_writing()
        with self._publishing:
            board = self.now.board
            if not self._read or not read.is_same(self._read):
                board, self._read = self._board(read), read
            if self._shown:  # what was read may be older than that
                board, self._read = self._with_shown(board), None
            time = self._clock()
            if board.has_an_outlook and abs(time - board.as_of) >= ESTIMATES_LAST:
                board = replace(board, as_of=time)
            empty = [(self.requests, requests.values), (self.results, results.values)]
            self._publish(
                Now(
                    board,
                    time,
                    cannot_submit=self._cannot_submit or closed(board),
                    created=tuple(str(store) for store, values in empty if store.is_new and not values),
                    silent_since=no_worker_since(board.requests.values(), time),
                )
            )

    def _fill(self) -> None:
        """Read the results before the requests.

        Without an index, all files of both datasets may be more than the Hub delivers in five minutes, and
        visitors come for the table.
        """
        with self._reading_requests:  # if both datasets are missing, report this one first
            self._read_lists(self.requests.snapshot())
        with self._reading_results:
            results = self._results.refresh()
        if self.now.left:
            self._show_a_part(results, self.now.left)

    def keep_indexes(self) -> None:
        """Renew the indexes of the datasets, if they are too old and can be written."""
        if self._cannot_submit or not self.now.synced:
            return
        try:
            with self._reading_requests:
                requests = self._requests.refresh()
                requests_index = self._requests_indexer.due(requests)
            with self._reading_results:
                results = self._results.refresh()
                results_index = self._results_indexer.due(results)
            if requests_index:
                self._requests_indexer.write(requests, requests_index)
            if results_index:
                self._results_indexer.write(results, results_index)
        except StoreError as error:
            log.warning("could not renew an index: %s", error)

    @property
    def models(self) -> frozenset[str]:
        """The models in the table."""
        return frozenset(row.model for row in self.now.board.standings.rows)

    @property
    def revisions(self) -> Mapping[str, str]:
        """The commit of each dataset that the board was read from, by the dataset's name."""
        return {
            str(self.requests): self._requests.latest.snapshot.revision,
            str(self.results): self._results.latest.snapshot.revision,
        }

    @property
    def order(self) -> Sequence[str]:
        """The rules of the queue's order."""
        return queue_order(self.now.board.backend)

    @property
    def requests_now(self) -> Mapping[str, Request]:
        """All requests by path, as the page shows them."""
        return self.now.board.requests

    @property
    def results_now(self) -> Reading[Result]:
        """The results dataset as it was last read, with what the owner removed."""
        return self._results.latest

    @property
    def blocked(self) -> Blocklist:
        """Who and what was blocked when the requests were last read, and whether all were."""
        return with_acts(blocklist(self._blocked.latest), self._moderation)

    def read_requests(self) -> Reading[Request]:
        """Read the requests dataset, the owner's lists and what maintainers did, as they are now.

        Raises StoreError, or NotOurs if the dataset belongs to another leaderboard.
        """
        with self._reading_requests:
            return without_conflict(
                self._refresh_requests, f"{self.requests} changes faster than it can be read."
            )

    def _refresh_requests(self) -> Reading[Request]:
        requests = self._requests.refresh()
        self._whose.check(self.requests, requests.snapshot)
        self._read_lists(requests.snapshot)  # raises Conflict if it changed since
        return requests

    def _read_lists(self, snapshot: Snapshot) -> None:
        """Read the owner's lists and what maintainers did. Raises Conflict and StoreError."""
        self._blocked.at(snapshot)
        self._flags.at(snapshot)
        before = self._acts.latest
        if (acts := self._acts.at(snapshot)) is not before:
            self._moderation = moderation(acts, self._moderation)

    def show(self, requests: Mapping[str, Request]) -> None:
        """Show requests, by path, that were written just now, until the next sync reads them again."""
        with self._publishing:
            self._shown |= requests
            self._read = None
            self._publish(replace(self.now, board=self._with_shown(self.now.board)))

    def _with_shown(self, board: Board) -> Board:
        """A board with the requests that were written since the last sync began to read."""
        requests = {**board.requests, **self._shown}
        queue = entries(requests, queue_order(board.backend))
        return replace(board, queue=queue, as_of=self._clock())

    def _report_left(self, reading: Reading[Request], left: int) -> None:
        """Report during a long first reading how many files are left."""
        if not self.now.synced:
            with self._publishing:
                self._publish(replace(self.now, left=left, problem=""))

    def _show_a_part(self, reading: Reading[Result], left: int) -> None:
        """Show during a long first reading what has been read so far."""
        if not self.now.synced:
            read = Readings(
                self._requests.latest,
                self._blocked.latest,
                reading,
                Reading.empty(),
                self._flags.latest,
                self._moderation,
                NOTHING_CHECKED,
            )
            with self._publishing:
                self._publish(replace(self.now, board=self._board(read), left=left, problem=""))

    def _report_problem(self, problem: str) -> None:
        if problem != self.now.problem:
            log.warning("could not sync: %s", problem)
        with self._publishing:
            self._publish(replace(self.now, problem=problem))

    def _check_writing(self) -> None:
        """Check whether submissions can be written. Check more often while they cannot."""
        now = self._steady()
        patience = WRITING_CHECKED_AGAIN_AFTER if self._cannot_submit else WRITING_CHECKED_AFTER
        if self._writing_checked and now - self._writing_checked < patience:
            return
        try:
            self.requests.check_writing()
            self._cannot_submit = ""
        except StoreError as error:
            self._cannot_submit = str(error)
        self._writing_checked = now

    def _publish(self, now: Now) -> None:
        old = self.now
        same = replace(now, synced=old.synced, version=old.version) == old and old.synced is not None
        same = same and abs(now.board.as_of - old.board.as_of) < ESTIMATES_LAST
        self.now = replace(now, version=old.version + (not same))

    def _board(self, read: Readings) -> Board:
        """Make the board of a reading. Log once where a column fails."""
        board, failing = make_board(
            read,
            self._about,
            requests=str(self.requests),
            results=str(self.results),
            local_models=self._local_models(),
            now=self._clock(),
        )
        for sentence, fault in failing.items():
            if sentence not in self.now.board.failing_columns:
                log.error("%s", sentence, exc_info=fault)
        return board

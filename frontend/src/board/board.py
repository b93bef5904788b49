"""The board, all data behind the page at one moment, and its keeper, who brings it up to date for all."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from src.columns import AFTER_TASKS, BEFORE_TASKS, faults
from src.leaderboard.agreement import differences
from src.leaderboard.derived import Derived
from src.leaderboard.rows import Standings, standings
from src.queue.entries import Entry, entries, no_worker_since
from src.shared.data.backend_description import BackendDescription, read_description
from src.shared.data.names import BACKEND_DESCRIPTION, BLOCKLIST, place_of, places
from src.shared.data.old_template import OLD_BACKEND, belongs_to_an_old_backend
from src.shared.data.queue_order import DEFAULT
from src.shared.data.reports import read_result
from src.shared.data.request import Request, read_request
from src.shared.data.result import Result
from src.shared.errors import BadFile, Conflict, StoreError
from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from src.shared.process.steady import steady_now
from src.shared.stores.conflicts import tries
from src.shared.stores.indexer import Indexer
from src.shared.stores.mirror import Mirror, Reading
from src.shared.stores.store import Store
from src.shared.stores.whose import Role, Whose
from src.shared.times import Clock, utc_now
from src.submitting.blocklist import Blocklist, read_blocklist
from src.submitting.submitter import Submitter
from src.tasks import Task

log = logging.getLogger(__name__)

NOTHING_CHECKED: Mapping[str, bool] = MappingProxyType({})
WRITING_CHECKED_AFTER = timedelta(minutes=15)
WRITING_CHECKED_AGAIN_AFTER = timedelta(minutes=1)

COLUMN_FAILS = (
    "The column {!r} fails with {}: {}. Its cells are empty where it does. Correct it in src/columns.py; the "
    "log says where it fails."
)


@dataclass(frozen=True)
class Board:
    """Everything that the page shows, from one reading of the two datasets.

    `results` are the result files, each by its path and its content's id. `broken` has a sentence for each
    file that could not be understood. `local_models` are the names of models that lie in a local folder.
    `backend` is what the backend says it runs, None while it has said nothing, and `differences` are
    sentences about where that is not what about.py says. `failing_columns` has a sentence for each column
    whose function fails.
    """

    standings: Standings = field(default_factory=Standings)
    queue: tuple[Entry, ...] = ()
    results: frozenset[tuple[str, str]] = frozenset()
    broken: tuple[str, ...] = ()
    local_models: frozenset[str] = frozenset()
    backend: BackendDescription | None = None
    differences: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    """Sentences for the owner about what in about.py has no effect."""
    failing_columns: tuple[str, ...] = ()
    derived: Derived = field(default_factory=Derived, init=False, compare=False, repr=False)

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The queue's requests by path."""
        return self.derived.once("entries", lambda: {entry.path: entry for entry in self.queue})

    @property
    def requests(self) -> Mapping[str, Request]:
        """All requests by path."""
        return self.derived.once("requests", lambda: {entry.path: entry.request for entry in self.queue})

    def entries_of(self, who: Submitter) -> Sequence[Entry]:
        """What somebody with a login submitted, the last first."""
        by_login = self.derived.once("entries by login", lambda: _by_login(self.queue))
        return by_login.get((who.login or "").casefold(), ())


@dataclass(frozen=True)
class Now:
    """The present board, when it was last read (None: not yet), and a sentence while it cannot be.

    `left` is how many files are still to be read of the first reading, which shows what it has until then.
    `cannot_submit` is a sentence while nothing is taken, `created` names datasets that
    were missing and were made just now. `silent_since` is set when requests have waited for long without a
    sign of a worker. `version` goes up with every change of anything but `synced`.
    """

    board: Board = field(default_factory=Board)
    synced: datetime | None = None
    problem: str = ""
    left: int = 0
    cannot_submit: str = ""
    created: tuple[str, ...] = ()
    silent_since: datetime | None = None
    version: int = 0


def new_results(old: Board, new: Board) -> int:
    """How many results a visitor who looks at `old` has not seen."""
    return len(new.results - old.results)


class _Read(NamedTuple):
    """What a board is made of."""

    requests: Reading[Request]
    blocked: Reading[Blocklist]
    results: Reading[Result]
    backend: Reading[BackendDescription]
    is_available: Mapping[str, bool]

    def is_same(self, other: _Read) -> bool:
        """Whether the same board follows: each part stays the same object while it does not change."""
        return all(part is old for part, old in zip(self, other, strict=True))


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
        is_available: Callable[[], Mapping[str, bool]] = lambda: NOTHING_CHECKED,
        hints: tuple[str, ...] = (),
        whose: Whose | None = None,
        clock: Clock = utc_now,
        steady: Clock = steady_now,
    ) -> None:
        # Counted from the time, so that pages which outlive a restart of the Space see a new version.
        self.now = Now(Board(standings(tasks, {}, ())), version=int(clock().timestamp()))
        self.requests, self.results = requests, results
        self._requests = Mirror(
            requests, lambda _, data: read_request(data), index=REQUESTS_INDEX, on_progress=self._tell_left
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
        self._read: _Read | None = None
        self._tasks = tasks
        self._num_fewshot = num_fewshot
        self._rank_mixed = rank_mixed
        self._local_models = local_models
        self._is_available = is_available
        self._clock, self._steady = clock, steady
        self._hints = hints
        self._whose = whose or Whose(Role.FRONTEND)
        self._shown: dict[str, Request] = {}
        self._cannot_submit = ""
        self._writing_checked: datetime | None = None
        self._requests_indexer = Indexer(requests, self._requests, REQUESTS_INDEX, steady)
        self._results_indexer = Indexer(results, self._results, RESULTS_INDEX, steady)
        self._reading_requests, self._reading_results = threading.Lock(), threading.Lock()
        self._telling = threading.Lock()

    def sync(self) -> None:
        """Read what changed. When a dataset cannot be read, the old board stays and `problem` says why."""
        try:
            self._sync()
        except StoreError as error:
            self._tell_problem(str(error))
        except Exception as error:
            log.exception("could not sync")
            self._tell_problem(
                f"An unexpected error ({type(error).__name__}): see the log. It is tried again."
            )

    def _sync(self) -> None:
        """The two datasets have locks of their own: nobody who submits waits while the results are read."""
        if not self.now.synced:
            self._fill()
        with self._telling:
            self._shown = {}
        requests = self.read_requests()
        with self._reading_results:
            results = self._results.refresh()
            self._whose.check(self.results, results.snapshot)
            backend = self._backend.at(results.snapshot)
            read = _Read(requests, self._blocked.latest, results, backend, self._is_available())
        self._check_writing()
        with self._telling:
            board = self.now.board
            if not self._read or not read.is_same(self._read):
                board, self._read = self._board(read), read
            if self._shown:  # what was read may be older than that
                board, self._read = self._with_shown(board), None
            time = self._clock()
            empty = [(self.requests, requests.values), (self.results, results.values)]
            self._tell(
                Now(
                    board,
                    time,
                    cannot_submit=self._cannot_submit or _closed(board),
                    created=tuple(str(store) for store, values in empty if store.is_new and not values),
                    silent_since=no_worker_since(board.queue, time),
                )
            )

    def _fill(self) -> None:
        """Read the results before the requests: where there is no index, all files of both datasets may be
        more than the Hub delivers in five minutes, and the table is what visitors come for.
        """
        with self._reading_requests:  # which is told first where both datasets are missing
            self._blocked.at(self.requests.snapshot())
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
    def order(self) -> Sequence[str]:
        """The rules of the queue's order."""
        return _order(self.now.board.backend)

    @property
    def requests_now(self) -> Mapping[str, Request]:
        """All requests by path, as the page shows them."""
        return self.now.board.requests

    @property
    def blocked(self) -> Blocklist:
        """Who is blocked, as of the last reading of the requests."""
        return _blocklist(self._blocked.latest)

    def read_requests(self) -> Reading[Request]:
        """The requests dataset as it is at this moment, and who is blocked.

        Raises StoreError, NotOurs for one that belongs to another leaderboard.
        """
        with self._reading_requests:
            for _ in tries():
                requests = self._requests.refresh()
                self._whose.check(self.requests, requests.snapshot)
                try:
                    self._blocked.at(requests.snapshot)
                except Conflict:  # it changed since
                    continue
                return requests
        raise StoreError(f"{self.requests} changes faster than it can be read.")

    def show(self, requests: Mapping[str, Request]) -> None:
        """Show requests, by path, that were written just now, until the next sync reads them again."""
        with self._telling:
            self._shown |= requests
            self._read = None
            self._tell(replace(self.now, board=self._with_shown(self.now.board)))

    def _with_shown(self, board: Board) -> Board:
        """A board with the requests that were written since the last sync began to read."""
        requests = {**board.requests, **self._shown}
        return replace(board, queue=entries(requests, _order(board.backend)))

    def _tell_left(self, reading: Reading[Request], left: int) -> None:
        """While the first reading takes long, say how much there is left."""
        if not self.now.synced:
            with self._telling:
                self._tell(replace(self.now, left=left, problem=""))

    def _show_a_part(self, reading: Reading[Result], left: int) -> None:
        """While the first reading takes long, show what there is until now."""
        if not self.now.synced:
            read = _Read(
                self._requests.latest, self._blocked.latest, reading, Reading.empty(), NOTHING_CHECKED
            )
            with self._telling:
                self._tell(replace(self.now, board=self._board(read), left=left, problem=""))

    def _tell_problem(self, problem: str) -> None:
        if problem != self.now.problem:
            log.warning("could not sync: %s", problem)
        with self._telling:
            self._tell(replace(self.now, problem=problem))

    def _check_writing(self) -> None:
        """Find out whether submissions can be written, more often while they cannot."""
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

    def _tell(self, now: Now) -> None:
        old = self.now
        same = replace(now, synced=old.synced, version=old.version) == old and old.synced is not None
        self.now = replace(now, version=old.version + (not same))

    def _board(self, read: _Read) -> Board:
        blocked, files = _blocklist(read.blocked), read.results.snapshot.files
        results = {
            path: result
            for path, result in read.results.values.items()
            if not blocked.is_removed(result.model)
        }
        table = standings(
            self._tasks,
            read.requests.values,
            results.values(),
            read.is_available,
            rank_mixed=self._rank_mixed,
        )
        broken = {**read.results.broken, **read.backend.broken}
        backend = read.backend.values.get(place_of(BACKEND_DESCRIPTION, read.backend.snapshot.files))
        return Board(
            standings=table,
            queue=entries(read.requests.values, _order(backend)),
            results=frozenset((path, files[path]) for path in results),
            broken=(
                *_broken(self.requests, {**read.requests.broken, **read.blocked.broken}),
                *_broken(self.results, broken),
            ),
            local_models=self._local_models(),
            backend=backend,
            hints=self._hints,
            differences=differences(self._tasks, self._num_fewshot, backend) if backend else (),
            failing_columns=self._failing(table),
        )

    def _failing(self, table: Standings) -> tuple[str, ...]:
        """A sentence for each column that fails; the log has where, once."""
        failing = {
            COLUMN_FAILS.format(header, type(fault).__name__, fault): fault
            for header, fault in faults([*BEFORE_TASKS, *AFTER_TASKS], table.rows).items()
        }
        for sentence, fault in failing.items():
            if sentence not in self.now.board.failing_columns:
                log.error("%s", sentence, exc_info=fault)
        return tuple(failing)


def _blocklist(reading: Reading[Blocklist]) -> Blocklist:
    place = place_of(BLOCKLIST, reading.snapshot.files)
    if place in reading.broken:
        reason = reading.broken[place].removesuffix(f". {BadFile.remedy}")  # submitters are told it, too
        return Blocklist(broken=reason)
    return reading.values.get(place, Blocklist())


def _closed(board: Board) -> str:
    """Why nothing is taken although it could be written, if so."""
    requests = board.requests.values()
    return (
        OLD_BACKEND
        if belongs_to_an_old_backend(requests, has_a_description=board.backend is not None)
        else ""
    )


def _by_login(queue: Sequence[Entry]) -> Mapping[str, Sequence[Entry]]:
    """The requests of each login, in lower case; those without one are nobody's."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(queue, key=lambda entry: entry.request.submitted_time, reverse=True):
        if entry.request.submitted_by:
            found[entry.request.submitted_by.casefold()].append(entry)
    return dict(found)


def _order(backend: BackendDescription | None) -> Sequence[str]:
    """The rules of the queue's order, as the backend says."""
    return backend.queue_order if backend and backend.queue_order else DEFAULT


def _broken(store: Store, broken: Mapping[str, str]) -> list[str]:
    return [f"{path} in {store} was skipped: {told}" for path, told in sorted(broken.items())]

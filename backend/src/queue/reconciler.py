"""The worker's loop: each tick compares the datasets with the children, publishes results, writes its
decisions, and starts what it claimed.

All state is in the two datasets. A worker may be killed after any line of this file, and the next tick, its
own or another worker's, completes or repeats what was interrupted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from threading import Lock
from typing import NamedTuple

from src.queue.faults import Faults
from src.queue.overview import Journal, Overview, Spending, make_overview
from src.queue.plan import Situation, held, plan, stands_still_for_money, waiting
from src.queue.policy import Policy
from src.queue.publication import result_file
from src.queue.requested_models import RequestedModels
from src.queue.samples import Published, SamplesPublisher
from src.queue.silence import Silence
from src.queue.validation import of_a_size, validated
from src.running.executor import Executor
from src.running.job import End, Ending
from src.running.suite import Suite
from src.shared.data.names import log_path, result_path
from src.shared.data.queue_order import Requests, pending
from src.shared.data.reports import read_result
from src.shared.data.request import Request, Status, read_request, write_request
from src.shared.data.result import Result
from src.shared.errors import StoreError
from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from src.shared.models.model_source import ModelSource
from src.shared.process.steady import on_the_wall, steady_now
from src.shared.stores.conflicts import Commit, beginning_with, update
from src.shared.stores.indexer import Indexer
from src.shared.stores.mirror import Mirror, Reading
from src.shared.stores.store import Store, blob_id
from src.shared.times import Clock, utc_now

log = logging.getLogger(__name__)

LONGEST_GATHERING = timedelta(minutes=1)
"""How long a tick collects changes at most, unless the Hub accepts no more commits at all."""

GATHERS_FROM, GATHERS_LONGEST_FROM = 0.75, 0.95
"""Fractions of the hourly commit limit. They are higher than the frontend's, so that evaluations go first."""


class AttemptKey(NamedTuple):
    """An attempt under one name of its run. The run gets another name if its file name is taken."""

    nonce: str
    run: str


class Reconciler:
    """One worker on one queue. `tick` may be called at any time and from any thread; ticks never overlap."""

    def __init__(
        self,
        *,
        worker: str,
        requests: Store,
        results: Store,
        models: ModelSource,
        executor: Executor,
        suite: Suite,
        policy: Policy,
        slots: int = 1,
        clock: Clock = utc_now,
        may_claim: Callable[[], bool] = lambda: True,
        steady: Clock = steady_now,
        samples: SamplesPublisher | None = None,
        policy_now: Callable[[Policy], Policy] = lambda policy: policy,
    ) -> None:
        """`policy_now` returns the policy with what changes meanwhile, such as what may be rented."""
        self.worker = worker
        self._samples = samples or SamplesPublisher(suite.tasks)
        self.synced: datetime | None = None
        """When both datasets were last read, by the steady clock."""
        self._request_store, self._result_store = requests, results
        self._requests = Mirror(requests, lambda path, data: read_request(data), index=REQUESTS_INDEX)
        self._results = Mirror(results, read_result, index=RESULTS_INDEX)
        self._requests_indexer = Indexer(requests, self._requests, REQUESTS_INDEX, steady)
        self._results_indexer = Indexer(results, self._results, RESULTS_INDEX, steady)
        self._models = RequestedModels(models, suite, results)
        self._executor = executor
        self._suite = suite
        self._policy = replace(policy, tasks=suite.tasks)
        self._policy_now = policy_now
        self._slots = slots
        self._clock, self._steady = clock, steady
        self._may_claim = may_claim
        self._lock = Lock()
        self._journal = Journal()
        self._read: tuple[Reading[Request], Reading[Result]] = (Reading.empty(), Reading.empty())
        self._readings = 0
        self._last_commit = datetime.min.replace(tzinfo=UTC)
        self._latest: Requests = {}
        self._published: set[AttemptKey] = set()
        self._own_files: dict[str, str] = {}
        self._faults = Faults(policy.retries, steady)
        self._silence = Silence(policy.lease.skew, steady)

    def tick(self) -> None:
        """Do what there is to do now.

        When few of the hour's commits are left, collect changes over several ticks. Raises StoreError when a
        dataset cannot be reached. Nothing is lost then, and the next tick continues.
        """
        with self._lock:
            self._policy = self._policy_now(self._policy)
            self._refresh()
            self._forget_what_is_not_ours()
            if self._gathers_until():
                return
            endings = self._endings()
            try:
                self._publish(endings)
            except StoreError:
                self._write(
                    {}, slots=0
                )  # nothing can be settled before it is published, but renew the leases
                raise
            self._faults.count(endings)
            may_claim = self._may_claim() and (self.knows_all or self._policy.renting is None)
            slots = self._slots if may_claim and not self.rests_until() else 0
            self._start(self._write(endings, slots))
            self._drop_lost_leases()

    def keep_indexes(self) -> None:
        """Update the indexes of the datasets if they are too old and this tick wrote nothing else.

        Frontends do the same. Raises StoreError.
        """
        with self._lock:
            requests, results = self._read
            if self._latest is not requests.values:
                return
            if data := self._requests_indexer.due(requests):
                self._requests_indexer.write(requests, data)
            if data := self._results_indexer.due(results):
                self._results_indexer.write(results, data)

    def rests_until(self) -> datetime | None:
        """Return until when nothing is claimed because of this worker's own faults.

        None if nothing prevents it.
        """
        until = self._faults.rests_until()
        return on_the_wall(until) if until else None

    def refresh(self) -> None:
        """Read both datasets without changing anything. Raises StoreError."""
        with self._lock:
            self._refresh()
            self._latest = self._read[0].values

    def created(self) -> list[str]:
        """Return the datasets that this process created, as long as they are empty."""
        requests, results = self._read
        held = [(self._request_store, len(requests.values)), (self._result_store, len(results.values))]
        return [str(store) for store, number in held if store.is_new and not number]

    def gathers_until(self) -> datetime | None:
        """Return until when changes are collected because of the Hub's commit limit, or None."""
        until = self._gathers_until()
        return on_the_wall(until) if until else None

    def _gathers_until(self) -> datetime | None:
        stores = filter(None, (self._request_store, self._result_store, self._samples.store))
        paces = [store.pace for store in stores]
        pause = max(
            pace.pause(LONGEST_GATHERING, begins=GATHERS_FROM, longest_from=GATHERS_LONGEST_FROM)
            for pace in paces
        )
        now = self._steady()
        due = now + LONGEST_GATHERING if any(pace.is_full for pace in paces) else self._last_commit + pause
        return due if due > now else None

    @property
    def readings(self) -> int:
        """How often the requests were read."""
        return self._readings

    @property
    def knows_all(self) -> bool:
        """Whether the Hub delivered every request at the last reading."""
        return not self._read[0].undelivered

    def money_lasts(self) -> timedelta | None:
        """Return how long the day's money lasts at what all workers rent now; None if nothing is rented."""
        renting = self._policy.renting
        return renting.lasts(self._latest, self._clock()) if renting else None

    def leased(self) -> frozenset[str]:
        """Return the nonces of all leases that hold, of this worker and others, as of the last tick."""
        return frozenset(
            request.lease.nonce
            for request in self._latest.values()
            if request.status is Status.RUNNING and request.lease
        )

    def holds_nothing(self) -> bool:
        """Return whether this worker held no request at the last tick."""
        return not held(self._latest, self._in_hand())

    def is_idle(self) -> bool:
        """Return whether the queue was empty at the last tick, and this worker held no request."""
        if (
            self._policy.is_one_of_a_fleet
        ):  # its machine costs money: it waits for no pause of a request or its own
            queue = [] if self.rests_until() else waiting(self._latest, self._policy, self._clock())
        else:
            queue = [path for path in pending(self._latest) if self._policy.has_room_for(self._latest[path])]
        is_broke = stands_still_for_money(self._latest, self._policy, self._clock())
        return (not queue or is_broke) and self.holds_nothing()

    def overview(self) -> Overview:
        """Return what the page shows."""
        progress = self._executor.progress()
        return make_overview(
            self._latest,
            progress,
            {nonce: self._executor.log(nonce) for nonce in progress},
            tasks=self._suite.tasks,
            order=self._policy.order,
            journal=self._journal,
            spending=self._spending(),
        )

    def _spending(self) -> Spending | None:
        """Return what was spent on rented hardware today; None where none is rented."""
        renting = self._policy.renting
        if renting is None:
            return None
        return Spending(renting.spent_today(self._latest, self._clock()), renting.dollars_a_day)

    @property
    def read(self) -> tuple[Reading[Request], Reading[Result]]:
        """Return the two datasets as last read."""
        return self._read

    @property
    def most_gb(self) -> float | None:
        """Return the largest weights that are evaluated here, in GB; None means any."""
        return self._policy.most_gb

    @property
    def latest(self) -> Requests:
        """Return the requests as this worker knows them, with what it wrote last."""
        return self._latest

    def close(self, *, leave_alone: bool = False) -> None:
        """Stop the children, publish what has ended, and return the other leases.

        With `leave_alone`, write nothing. Raises StoreError.
        """
        self._executor.close()
        if leave_alone:
            return
        with self._lock:
            self._refresh()
            self._forget_what_is_not_ours()
            endings = self._endings()
            try:
                self._publish(endings)
            except StoreError as error:
                log.error("could not publish finished evaluations: %s", error)
                endings = {}
            self._write(endings, slots=0, is_stopping=True)

    def _endings(self) -> dict[str, Ending]:
        """Return the evaluations that have ended, after validating their reports."""
        ended = self._executor.endings()
        return {
            nonce: validated(ended[nonce], self._tasks_of(self._latest[path]))
            for nonce, path in held(self._latest, ended).items()
        }

    def _tasks_of(self, request: Request) -> tuple[str, ...]:
        return request.tasks_among(self._suite.tasks)

    def _in_hand(self) -> set[str]:
        return {*self._executor.progress(), *self._executor.endings()}

    def _refresh(self) -> None:
        """Read both datasets, usually once a tick. On the Hub this takes one call each.

        Requests are read last, since less time before their commit means fewer conflicts. The first time they
        are read first: if both datasets are missing, the error should name the requests.
        """
        both = [self._refresh_results, self._refresh_requests]
        for refresh in both if self.synced else reversed(both):
            refresh()
        self.synced = self._steady()

    def _refresh_requests(self) -> Reading[Request]:
        self._read = (self._requests.refresh(), self._read[1])
        self._readings += 1
        return self._read[0]

    def _refresh_results(self) -> Reading[Result]:
        self._read = (self._read[0], self._results.refresh())
        return self._read[1]

    def _forget_what_is_not_ours(self) -> None:
        """Stop children whose lease was lost, and drop endings that are settled.

        From now on they can neither publish nor finish anything.
        """
        self._latest = self._read[0].values
        self._drop_lost_leases()

    def _drop_lost_leases(self) -> None:
        in_hand = self._in_hand()
        for nonce in in_hand - held(self._latest, in_hand).keys():
            self._executor.forget(nonce)

    def _publish(self, endings: dict[str, Ending]) -> None:
        """Commit the results, samples and logs of ended evaluations. Their status follows later.

        Remove those from `endings` that must wait for their samples.
        """
        runs = {
            AttemptKey(nonce, self._latest[path].run or "")
            for nonce, path in held(self._latest, endings).items()
        }
        if runs <= self._published:
            return
        samples = {
            nonce: self._samples.publish(endings[nonce], self._latest[path])
            for nonce, path in held(self._latest, endings).items()
        }
        for nonce in [nonce for nonce, each in samples.items() if each.is_waiting]:
            del endings[nonce]
        files: dict[str, bytes] = {}

        def decide(reading: Reading[Result]) -> Commit | None:
            nonlocal files
            files = self._to_publish(endings, samples, reading)
            return Commit(reading.snapshot, _message("publish", files), files) if files else None

        update(self._result_store, beginning_with(self._read[1], self._refresh_results), decide)
        if files:
            self._last_commit = self._steady()
            self._own_files |= {path: blob_id(data) for path, data in files.items()}
            log.info("published %s", ", ".join(files))
            self._refresh()
        # One that turned out to be too large is looked at again until its request says so.
        self._published = {
            run for run in runs if run.nonce in endings and endings[run.nonce].end is not End.INVALID
        }

    def _to_publish(
        self, endings: dict[str, Ending], samples: Mapping[str, Published], reading: Reading[Result]
    ) -> dict[str, bytes]:
        """Return the result, samples and log of each ending, unless its run already has a result.

        An ending whose result is too large becomes an invalid one.
        """
        files: dict[str, bytes] = {}
        for nonce, path in held(self._latest, endings).items():
            ending, request = endings[nonce], self._latest[path]
            assert request.run
            place = result_path(request.model, request.run)
            if AttemptKey(nonce, request.run) in self._published or place in reading.snapshot.files:
                continue
            if ending.report is not None:
                data = result_file(
                    ending.report,
                    path=path,
                    request=request,
                    tasks={task: self._suite.fewshot(task) for task in self._tasks_of(request)},
                    now=self._clock(),
                    samples=samples[nonce].entry,
                )
                endings[nonce] = of_a_size(ending, len(data))
                if endings[nonce].report is not None:
                    files |= {place: data, **(samples[nonce].files or {})}
            if ending.log:
                files[log_path(request.model, request.run, request.attempt)] = ending.log
        return files

    def _write(
        self, endings: Mapping[str, Ending], slots: int, *, is_stopping: bool = False
    ) -> dict[str, Request]:
        """Commit all decisions to the requests dataset, and return them once the commit has succeeded."""
        self._models.forget()
        changes: dict[str, Request] = {}

        def decide(reading: Reading[Request]) -> Commit | None:
            nonlocal changes
            # After a conflict only the requests are read again: older results only finish fewer requests.
            situation = self._situation(reading, self._read[1], endings)
            if is_stopping:  # return what has not ended or could not be published
                situation = replace(situation, alive=dict.fromkeys(endings), is_stopping=True)
            changes = plan(
                replace(situation, slots=slots),
                look_up=self._models.look_up,
                new_nonce=lambda: token_hex(8),
            )
            add = {path: write_request(request) for path, request in changes.items()}
            return Commit(reading.snapshot, _message("update", add), add) if changes else None

        reading = update(self._request_store, beginning_with(self._read[0], self._refresh_requests), decide)
        if changes:
            self._last_commit = self._steady()
            self._journal.note(reading.values, changes, self._clock())
        self._latest = {**reading.values, **changes}
        return changes

    def _situation(
        self,
        requests: Reading[Request],
        results: Reading[Result],
        endings: Mapping[str, Ending],
    ) -> Situation:
        progress = self._executor.progress()  # read before the endings, so that no child is in neither
        return Situation(
            requests=requests.values,
            results=results.values,
            result_files=results.snapshot.files,
            own_files=self._own_files,
            worker=self.worker,
            now=self._clock(),
            policy=self._policy,
            alive={**dict.fromkeys(self._executor.endings()), **progress},
            endings=endings,
            silent=self._silence.over(requests.values),
        )

    def _start(self, changes: Requests) -> None:
        """Start a child for each new claim."""
        in_hand = self._in_hand()
        for request in changes.values():
            if request.status is not Status.RUNNING or not request.lease or request.lease.nonce in in_hand:
                continue
            log.info("claimed %s (attempt %d)", request.model, request.attempt)
            renting = self._policy.renting
            hardware = renting.named(request.lease.hardware) if renting else None
            self._executor.start(request.lease.nonce, self._models.job(request, hardware))


def _message(verb: str, files: Mapping[str, object]) -> str:
    """Return a commit message that names the first file and counts the others."""
    first, *others = sorted(files)
    return f"{verb} {first}" + (f" and {len(others)} more" if others else "")

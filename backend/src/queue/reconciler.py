"""The worker's loop: each tick compares the datasets with the children, has results published, writes its
decisions, and starts what it claimed.

All state is in the two datasets. A worker may be killed after any line of this file, and the next tick, its
own or another worker's, completes or repeats what was interrupted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_hex
from threading import Lock

from src.queue.both_datasets import BothDatasets
from src.queue.claiming import stands_still_for_money
from src.queue.faults import Faults
from src.queue.overview import Journal, Overview, Spending, make_overview
from src.queue.plan import plan
from src.queue.policy import Policy
from src.queue.publisher import Publisher
from src.queue.requested_models import RequestedModels
from src.queue.samples import SamplesPublisher
from src.queue.silence import Silence
from src.queue.situation import Situation, held, waiting
from src.queue.validation import validated
from src.running.executor import Executor
from src.running.job import Ending
from src.running.suite import Suite
from src.shared.data.queue_order import Requests, pending
from src.shared.data.request import Request, Status, write_request
from src.shared.errors import StoreError
from src.shared.models.model_source import ModelSource
from src.shared.process.steady import on_the_wall, steady_now
from src.shared.stores.mirror import Reading
from src.shared.stores.store import Store
from src.shared.times import Clock, utc_now

log = logging.getLogger(__name__)


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
        samples = samples or SamplesPublisher(suite.tasks)
        self.datasets = BothDatasets(requests, results, steady=steady, samples=samples.store)
        self._publisher = Publisher(self.datasets, suite, samples, clock)
        self._models = RequestedModels(models, suite, results)
        self._executor = executor
        self._suite = suite
        self._policy = replace(policy, tasks=suite.tasks)
        self._policy_now = policy_now
        self._slots = slots
        self._clock = clock
        self._may_claim = may_claim
        self._lock = Lock()
        self._journal = Journal()
        self._latest: Requests = {}
        self._faults = Faults(policy.retries, steady)
        self._silence = Silence(policy.lease.skew, steady)

    def tick(self) -> None:
        """Do what there is to do now.

        When few of the hour's commits are left, collect changes over several ticks. Raises StoreError when a
        dataset cannot be reached. Nothing is lost then, and the next tick continues.
        """
        with self._lock:
            self._policy = self._policy_now(self._policy)
            self.datasets.refresh()
            self._forget_what_is_not_ours()
            if self.datasets.gathers_until():
                return
            endings = self._endings()
            try:
                self._publisher.publish(endings, self._latest)
            except StoreError:
                # Nothing can be settled before it is published, but renew the leases.
                self._write({}, slots=0)
                raise
            self._faults.count(endings)
            may_claim = self._may_claim() and (self.datasets.knows_all or self._policy.renting is None)
            slots = self._slots if may_claim and not self.rests_until() else 0
            self._start(self._write(endings, slots))
            self._drop_lost_leases()

    def keep_indexes(self) -> None:
        """Update the indexes of the datasets if they are too old and this tick wrote nothing else.

        Raises StoreError.
        """
        with self._lock:
            if self._latest is self.datasets.requests.values:
                self.datasets.keep_indexes()

    def rests_until(self) -> datetime | None:
        """Return until when nothing is claimed because of this worker's own faults.

        None if nothing prevents it.
        """
        until = self._faults.rests_until()
        return on_the_wall(until) if until else None

    def refresh(self) -> None:
        """Read both datasets without changing anything. Raises StoreError."""
        with self._lock:
            self.datasets.refresh()
            self._latest = self.datasets.requests.values

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
        if self._policy.is_one_of_a_fleet:
            # Its machine costs money, so it waits for no pause of a request or its own.
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
            self.datasets.refresh()
            self._forget_what_is_not_ours()
            endings = self._endings()
            try:
                self._publisher.publish(endings, self._latest)
            except StoreError as error:
                log.error("could not publish finished evaluations: %s", error)
                endings = {}
            self._write(endings, slots=0, is_stopping=True)

    def _endings(self) -> dict[str, Ending]:
        """Return the evaluations that have ended, after validating their reports."""
        ended = self._executor.endings()
        return {
            nonce: validated(ended[nonce], self._latest[path].tasks_among(self._suite.tasks))
            for nonce, path in held(self._latest, ended).items()
        }

    def _in_hand(self) -> set[str]:
        return {*self._executor.progress(), *self._executor.endings()}

    def _forget_what_is_not_ours(self) -> None:
        """Stop children whose lease was lost, and drop endings that are settled.

        From now on they can neither publish nor finish anything.
        """
        self._latest = self.datasets.requests.values
        self._drop_lost_leases()

    def _drop_lost_leases(self) -> None:
        in_hand = self._in_hand()
        for nonce in in_hand - held(self._latest, in_hand).keys():
            self._executor.forget(nonce)

    def _write(
        self, endings: Mapping[str, Ending], slots: int, *, is_stopping: bool = False
    ) -> dict[str, Request]:
        """Commit all decisions to the requests dataset, and return them once the commit has succeeded."""
        self._models.forget()
        changes: dict[str, Request] = {}

        def decide(reading: Reading[Request]) -> dict[str, bytes]:
            nonlocal changes
            situation = self._situation(reading.values, endings)
            if is_stopping:  # return what has not ended or could not be published
                situation = replace(situation, alive=dict.fromkeys(endings), is_stopping=True)
            changes = plan(
                replace(situation, slots=slots),
                look_up=self._models.look_up,
                new_nonce=lambda: token_hex(8),
            )
            return {path: write_request(request) for path, request in changes.items()}

        reading = self.datasets.write_requests(decide)
        if changes:
            self._journal.note(reading.values, changes, self._clock())
        self._latest = {**reading.values, **changes}
        return changes

    def _situation(self, requests: Requests, endings: Mapping[str, Ending]) -> Situation:
        progress = self._executor.progress()  # read before the endings, so that no child is in neither
        results = self.datasets.results
        return Situation(
            requests=requests,
            results=results.values,
            result_files=results.snapshot.files,
            own_files=self._publisher.own_files,
            worker=self.worker,
            now=self._clock(),
            policy=self._policy,
            alive={**dict.fromkeys(self._executor.endings()), **progress},
            endings=endings,
            silent=self._silence.over(requests),
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

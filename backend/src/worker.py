"""The worker without a page, for your own compute: `python -m src.worker`.

With `--drain` it ends when the queue is empty, or when the suite has problems. `--smallest-gb` and
`--largest-gb` keep it to a part of the queue, and `--claims-for` to some hours. With `--health-port` it
serves `/health` on this machine, for monitoring.
"""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import argparse
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Event

from src.fleet.dispatcher import Dispatcher
from src.inference.hosting import Hosting
from src.inference.renting import rented_lately
from src.page.health_server import THIS_MACHINE, serve_health
from src.parts import (
    make_dispatcher,
    make_executor,
    make_herald,
    make_hosting,
    make_launcher,
    make_policy,
    make_tester,
    samples_store,
    with_servers,
)
from src.queue.policy import Policy
from src.queue.reconciler import Reconciler
from src.queue.samples import SamplesPublisher
from src.queue.share import ALL, Share, dollars, gigabytes, hours, name_of_a_machine
from src.queue.shipped import SET_THE_TASKS, is_made_for_others
from src.queue.ticker import Ticker
from src.running.executor import ProcessExecutor
from src.running.identity import WorkerIdentity, take_identity
from src.running.job import Work
from src.running.launchers import Launcher
from src.running.memory import available_memory
from src.running.watch import ChildLimits
from src.settings import Settings
from src.shared.environment import owners_file, read_settings
from src.shared.errors import ConfigurationError, LeaderboardError, StoreError, exit_on_configuration_error
from src.shared.process.logs import begin_logging
from src.shared.process.steady import steady_now
from src.shared.process.stop_signal import StopSignal
from src.shared.stores.store import Store
from src.shared.stores.whose import Role, Whose
from src.shared.times import utc_now
from src.shared.wiring import Stores, open_stores
from src.suite.announcer import Announcer
from src.suite.from_settings import make_suite
from src.suite.trial import SuiteTrial
from src.telling.herald import DRAINED_ENDS_WITHIN_SECONDS, ENDS_WITHIN_SECONDS, Herald
from src.telling.news import Watcher
from src.withdrawn_secrets import withdraw_secrets

log = logging.getLogger(__name__)

DESCRIBED_WITHIN = timedelta(minutes=10)
"""Indexing all tasks of an engine takes ten seconds on a fast machine."""

REFUSED = 1
"""The exit status with `--drain` when the suite has problems."""


@dataclass
class Worker:
    """A worker's parts, built from the settings. It does not tick yet."""

    reconciler: Reconciler
    announcer: Announcer
    ticker: Ticker
    identity: WorkerIdentity
    stores: Stores
    """The datasets and models. `stores.notice` is a sentence for the owner."""
    launcher: Launcher
    hosting: Hosting = field(default_factory=Hosting)
    """The servers that answer for models, if they run on any."""
    samples: Store | None = None
    """The dataset of samples, if they have one of their own."""
    whose: Whose = field(default_factory=lambda: Whose(Role.BACKEND))
    tasks: tuple[str, ...] = ()
    """The tasks on which every model is evaluated."""
    herald: Herald = field(default_factory=Herald)
    """Tells others of the news, if the owner wants it."""
    dispatcher: Dispatcher | None = None
    """Starts workers elsewhere, if this one evaluates nothing itself."""
    is_closed: Callable[[], bool] = lambda: False
    """Whether it claims nothing more because its hours are over."""
    _started: datetime = field(default_factory=utc_now)
    _watcher: Watcher | None = None
    _can_write: bool = False
    """Whether the checks before the first write have passed."""

    def tick(self) -> None:
        """Do what there is to do now, the queue first. Raises StoreError when a dataset cannot be used."""
        try:
            self._tick()
        except LeaderboardError as error:
            self.herald.tell(self._watching().fault(str(error)), {})
            raise
        self._tell()

    def _watching(self) -> Watcher:
        self._watcher = self._watcher or Watcher(
            self.reconciler.worker, self._started, is_for_all=self.dispatcher is not None
        )
        return self._watcher

    def _tell(self) -> None:
        """Have others told what has happened since the last tick."""
        if not self.herald.is_idle:
            news = self._watching().look(self.reconciler.latest, self.announcer.problems)
            self.herald.tell(news, self.reconciler.datasets.results.values)

    def _tick(self) -> None:
        datasets = self.reconciler.datasets
        if self.dispatcher:
            self.dispatcher.prepare()
        self.hosting.refresh(may_be_left=rented_lately(datasets.requests.values, utc_now()))
        readings = datasets.readings
        try:
            if not self._can_write:
                self._check_writing()
            self.announcer.poll()
            self.reconciler.tick()
        except Exception:
            self._watch_money()
            raise
        finally:  # whatever else failed, no endpoint stays that nobody needs
            if datasets.readings > readings:
                self.hosting.note_money(self.reconciler.money_lasts())
                if datasets.knows_all:
                    self.hosting.sweep(self.reconciler.leased())
        self._start_and_stop_members()
        self.announcer.tick()
        try:
            self.reconciler.keep_indexes()
        except StoreError as error:  # an old index only makes starts slower
            log.warning("could not update an index: %s", error)

    def dispatch(self) -> None:
        """Settle what has ended, start and stop members once, and publish their limits. Raises StoreError."""
        try:
            self._check_writing()
            self.reconciler.tick()
        except Exception:
            self._watch_money()
            raise
        self._start_and_stop_members()
        if self.dispatcher and self.dispatcher.described:
            self.announcer.tell_limits()

    def _start_and_stop_members(self) -> None:
        if self.dispatcher:
            self.dispatcher.tick(self.reconciler.latest, knows_all=self.reconciler.datasets.knows_all)

    def _watch_money(self) -> None:
        """Stop members when the money is spent, although something else has failed."""
        if self.dispatcher:
            self.dispatcher.watch_money(self.reconciler.latest)

    def _check_writing(self) -> None:
        """Check both datasets before anything is claimed. Results that cannot be published are useless."""
        self.reconciler.refresh()
        for store in filter(None, (self.stores.requests, self.stores.results, self.samples)):
            store.check_writing()
        requests, results = self.reconciler.datasets.requests, self.reconciler.datasets.results
        if is_made_for_others(self.tasks, requests.values.values(), results.values.values()):
            raise StoreError(SET_THE_TASKS.format(self.stores.requests))
        self.whose.check(self.stores.requests, requests.snapshot)
        self.whose.check(self.stores.results, results.snapshot)
        self._can_write = True

    def is_idle(self) -> bool:
        """Return whether nothing was left to do at the last tick."""
        has_nothing = self.reconciler.holds_nothing() if self.is_closed() else self.reconciler.is_idle()
        return has_nothing and self.announcer.is_done and self.hosting.is_clean

    def is_refused(self) -> bool:
        """Return whether nothing runs, and nothing will until the suite is fixed."""
        return self.announcer.has_problems() and self.announcer.is_done and self.reconciler.holds_nothing()

    def close(self, *, tells_within: float = ENDS_WITHIN_SECONDS) -> None:
        """Stop ticking and evaluating, and return the leases if the requests can be written.

        `tells_within` is how many seconds the news may take that is not told yet.
        """
        self.ticker.stop()
        self.announcer.close()
        try:
            self.reconciler.close(leave_alone=not self._can_write)
        except StoreError as error:
            log.error("could not return the leases; they will expire: %s", error)
        self._tell()
        self.herald.close(tells_within)
        self.launcher.close()


def make_worker(
    settings: Settings, share: Share = ALL, *, given: Mapping[str, object] | None = None
) -> Worker:
    """Build a worker from the settings. Raises ConfigurationError.

    With `given`, the settings as the owner wrote them, it starts others and evaluates nothing itself if FLEET
    says so.
    """
    memory = settings.memory_per_evaluation(available_memory())
    suite, policy = make_suite(settings), make_policy(settings, memory)
    of_members = replace(policy, largest=settings.max_model_gb, tasks=suite.tasks)
    dispatcher = make_dispatcher(settings, given, of_members) if given is not None else None
    stores, hosting = open_stores(settings), make_hosting(settings, is_a_member=share.is_limited)

    def policy_now(policy: Policy) -> Policy:
        now = with_servers(policy, hosting)
        return replace(now, largest=most_of_the_fleet(settings, dispatcher)) if dispatcher else now

    def may_claim() -> bool:
        return not dispatcher and not is_closed() and announcer.may_claim() and hosting.may_claim()

    identity = take_identity(settings.name_of_the_worker)
    ticker = Ticker(timedelta(seconds=settings.refresh_rate))
    launcher = make_launcher(settings, suite, identity.folder)
    closes = share.closes(steady_now())

    def is_closed() -> bool:
        return steady_now() >= closes

    def largest_of_the_leaderboard() -> float | None:
        """Return the limit to announce: a worker with a share does not speak for the others."""
        return settings.max_model_gb if share.is_limited else policy_now(policy).most_gb

    describer = ProcessExecutor(
        identity.folder,
        limits=ChildLimits(DESCRIBED_WITHIN),
        launcher=launcher,
        work=Work.DESCRIBE,
        on_end=ticker.wake,
    )
    announcer = Announcer(
        stores.results,
        describer,
        suite,
        trial=SuiteTrial(
            stores.results, make_tester(settings, identity.folder, launcher, ticker.wake), suite
        ),
        space=settings.space_id,
        queue_order=policy.order,
        max_model_gb=largest_of_the_leaderboard,
        fleet=lambda: dispatcher.described if dispatcher else None,
        is_member=share.is_limited,
    )
    samples = samples_store(settings)
    reconciler = Reconciler(
        worker=identity.worker,
        requests=stores.requests,
        results=stores.results,
        models=stores.models,
        executor=make_executor(settings, memory, identity.folder, launcher, ticker.wake, hosting),
        suite=suite,
        # What is announced is the leaderboard's, whatever this worker's share.
        policy=share.of(policy, slots=settings.slots),
        slots=settings.slots,
        may_claim=may_claim,
        policy_now=policy_now,
        samples=SamplesPublisher(suite.tasks, samples),
    )
    whose = Whose(Role.BACKEND, settings.space_id, stores.space_name)
    herald = make_herald(settings, stores, identity.worker)
    return Worker(
        reconciler,
        announcer,
        ticker,
        identity,
        stores,
        launcher,
        hosting,
        samples,
        whose,
        suite.tasks,
        herald,
        dispatcher,
        is_closed,
    )


def most_of_the_fleet(settings: Settings, dispatcher: Dispatcher) -> float | None:
    """Return the largest weights, in GB, that members take: the owner's limit, or the hardware's."""
    limits = (settings.max_model_gb, dispatcher.most_gb)
    return min((each for each in limits if each is not None), default=None)


def main() -> int:
    """Run until a signal or, with `--drain`, until the queue is empty."""
    parser = argparse.ArgumentParser(prog="python -m src.worker", description=__doc__)
    parser.add_argument("--drain", action="store_true", help="end when the queue is empty and nothing runs")
    parser.add_argument(
        "--smallest-gb", type=gigabytes, metavar="GB", help="leave models with smaller weights"
    )
    parser.add_argument("--largest-gb", type=gigabytes, metavar="GB", help="leave models with larger weights")
    parser.add_argument(
        "--claims-for", type=hours, metavar="HOURS", help="claim nothing more after so many hours"
    )
    parser.add_argument(
        "--hardware", type=name_of_a_machine, metavar="NAME", help="what this machine is called"
    )
    parser.add_argument("--price", type=dollars, metavar="DOLLARS", help="what it costs an hour")
    parser.add_argument(
        "--health-port", type=int, metavar="PORT", help="serve /health on this port, e.g. 7861"
    )
    parser.add_argument("--health-host", default=THIS_MACHINE, metavar="ADDRESS", help="and on this address")
    arguments = parser.parse_args()
    secrets = withdraw_secrets()
    begin_logging()
    logging.getLogger("httpx").setLevel(logging.WARNING)  # otherwise it logs every call to the Hub
    settings = read_settings(Settings, owners_file("src.envs"), {**os.environ, **secrets})
    share = Share(
        arguments.smallest_gb,
        arguments.largest_gb,
        arguments.claims_for,
        arguments.hardware,
        arguments.price,
    )
    worker = make_worker(settings, share)
    stop, is_drained = StopSignal(), Event()

    def tick() -> None:
        worker.tick()
        if arguments.drain and (worker.is_idle() or worker.is_refused()):
            is_drained.set()
            stop.send()

    log.info("worker %s starts. %s", worker.identity.worker, worker.stores.notice)
    stop_serving = _serve_health(worker, arguments.health_port, arguments.health_host)
    worker.ticker.start(tick)
    stop.wait()
    stop_serving()
    is_refused = arguments.drain and worker.is_refused()
    worker.close(tells_within=DRAINED_ENDS_WITHIN_SECONDS if is_drained.is_set() else ENDS_WITHIN_SECONDS)
    return REFUSED if is_refused else 0


def _serve_health(worker: Worker, port: int | None, host: str) -> Callable[[], None]:
    """Serve `/health` if a port is named. Return what ends it. Raises ConfigurationError."""
    if port is None:
        return lambda: None
    try:
        return serve_health(worker.reconciler, worker.ticker, port, host)
    except ConfigurationError:
        worker.close()
        raise


if __name__ == "__main__":
    with exit_on_configuration_error():
        sys.exit(main())

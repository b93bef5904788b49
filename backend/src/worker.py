"""The worker without a page, for your own compute: `python -m src.worker`.

With `--drain` it ends when the queue is empty, or when the suite has problems.
"""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import argparse
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from src.queue.lifecycle import LeaseTerms
from src.queue.policy import Policy, read_order
from src.queue.reconciler import Reconciler
from src.queue.retries import RetryTerms
from src.queue.samples import SamplesPublisher
from src.queue.samples_dataset import SamplesDataset
from src.queue.shipped import SET_THE_TASKS, is_made_for_others
from src.queue.ticker import Ticker
from src.running.child_environment import clean_environment
from src.running.executor import ProcessExecutor
from src.running.identity import WorkerIdentity, take_identity
from src.running.job import Work
from src.running.launchers import Launcher, ProgramLauncher
from src.running.memory import available_memory
from src.running.suite import Suite
from src.running.warm_launcher import WarmLauncher
from src.running.watch import GB, ChildLimits
from src.settings import Settings
from src.shared.environment import owners_file, read_settings
from src.shared.errors import ConfigurationError, StoreError, exit_on_configuration_error
from src.shared.process.steady import steady_now
from src.shared.process.stop_signal import StopSignal
from src.shared.stores.budgets import Pace
from src.shared.stores.hub import Hub
from src.shared.stores.store import Store
from src.shared.stores.whose import Role, Whose
from src.shared.wiring import Stores, open_stores
from src.suite.announcer import Announcer
from src.suite.from_settings import make_suite
from src.suite.trial import SuiteTrial
from src.withdrawn_secrets import withdraw_secrets

log = logging.getLogger(__name__)

DESCRIBED_WITHIN = timedelta(minutes=10)
"""Indexing all tasks of an engine takes ten seconds on a fast machine."""

REFUSED = 1
"""The exit status with `--drain` when the suite has problems."""


SAMPLES_ARE_LOCAL = (
    "SAMPLES_REPO names a dataset on the Hub, but the data is in a local folder, where samples lie with the "
    "results. Leave SAMPLES_REPO unset, or set SAVE_SAMPLES to False."
)
SAMPLES_OF_THEIR_OWN = (
    "SAMPLES_REPO is {}, which holds this leaderboard's requests or results. Name another dataset, or leave "
    "it unset."
)


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
    samples: Store | None = None
    """The dataset of samples, if they have one of their own."""
    whose: Whose = field(default_factory=lambda: Whose(Role.BACKEND))
    tasks: tuple[str, ...] = ()
    """The tasks on which every model is evaluated."""
    _can_write: bool = False
    """Whether the checks before the first write have passed."""

    def tick(self) -> None:
        """Do what there is to do now, the queue first. Raises StoreError when a dataset cannot be used."""
        if not self._can_write:
            self._check_writing()
        self.announcer.poll()
        self.reconciler.tick()
        self.announcer.tick()
        try:
            self.reconciler.keep_indexes()
        except StoreError as error:  # an old index only makes starts slower
            log.warning("could not update an index: %s", error)

    def _check_writing(self) -> None:
        """Check both datasets before anything is claimed. Results that cannot be published are useless."""
        self.reconciler.refresh()
        for store in filter(None, (self.stores.requests, self.stores.results, self.samples)):
            store.check_writing()
        requests, results = self.reconciler.read
        if is_made_for_others(self.tasks, requests.values.values(), results.values.values()):
            raise StoreError(SET_THE_TASKS.format(self.stores.requests))
        self.whose.check(self.stores.requests, requests.snapshot)
        self.whose.check(self.stores.results, results.snapshot)
        self._can_write = True

    def is_idle(self) -> bool:
        """Return whether nothing was left to do at the last tick."""
        return self.reconciler.is_idle() and self.announcer.is_done

    def is_refused(self) -> bool:
        """Return whether nothing runs, and nothing will until the suite is fixed."""
        return self.announcer.has_problems() and self.announcer.is_done and self.reconciler.holds_nothing()

    def close(self) -> None:
        """Stop ticking and evaluating, and return the leases if the requests can be written."""
        self.ticker.stop()
        self.announcer.close()
        try:
            self.reconciler.close(leave_alone=not self._can_write)
        except StoreError as error:
            log.error("could not return the leases; they will expire: %s", error)
        self.launcher.close()


def make_worker(settings: Settings) -> Worker:
    """Build a worker from the settings. Raises ConfigurationError."""
    memory = settings.memory_per_evaluation(available_memory())
    suite, policy = make_suite(settings), make_policy(settings, memory)
    stores = open_stores(settings)
    identity = take_identity(settings.name_of_the_worker)
    ticker = Ticker(timedelta(seconds=settings.refresh_rate))
    launcher = make_launcher(settings, suite, identity.folder)
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
        max_model_gb=None if policy.largest is None else float(f"{policy.largest:.3g}"),
    )
    samples = samples_store(settings)
    reconciler = Reconciler(
        worker=identity.worker,
        requests=stores.requests,
        results=stores.results,
        models=stores.models,
        executor=make_executor(settings, memory, identity.folder, launcher, ticker.wake),
        suite=suite,
        policy=policy,
        slots=settings.slots,
        may_claim=announcer.may_claim,
        samples=SamplesPublisher(suite.tasks, samples),
    )
    whose = Whose(Role.BACKEND, settings.space_id, stores.space_name)
    return Worker(reconciler, announcer, ticker, identity, stores, launcher, samples, whose, suite.tasks)


def samples_store(settings: Settings) -> SamplesDataset | None:
    """Return the dataset of samples, if they have one of their own. Raises ConfigurationError."""
    if settings.samples_repo is None or not settings.save_samples:
        return None
    if not settings.is_on_the_hub:
        raise ConfigurationError(SAMPLES_ARE_LOCAL)
    if settings.samples_repo in (settings.requests_dataset, settings.results_dataset):
        raise ConfigurationError(SAMPLES_OF_THEIR_OWN.format(settings.samples_repo))
    pace = Pace(settings.commits_per_hour, steady_now)
    hub = Hub(settings.hf_token)
    return SamplesDataset(hub, settings.samples_repo, private=settings.samples_private, pace=pace)


def make_policy(settings: Settings, memory: int) -> Policy:
    """Return the rules of the queue. `memory` is the bytes for each evaluation. Raises ConfigurationError."""
    return Policy(
        lease=LeaseTerms(timedelta(minutes=settings.lease_minutes)),
        retries=RetryTerms(attempts=settings.max_attempts),
        order=read_order(settings.queue_order),
        largest=settings.largest_model(memory),
    )


def make_launcher(settings: Settings, suite: Suite, folder: Path) -> Launcher:
    """Return a launcher that forks from a warm parent where that is safe. With a GPU it may not be."""
    processors = os.cpu_count() or 1
    threads = max(1, processors // settings.slots) if settings.slots > 1 else None
    environment = clean_environment(folder, settings.hf_read_token, threads)
    if sys.platform == "linux" and set(settings.devices) == {"cpu"}:
        return WarmLauncher(environment, suite, folder)
    return ProgramLauncher(environment)


def make_executor(
    settings: Settings, memory: int, folder: Path, launcher: Launcher, on_end: Callable[[], None]
) -> ProcessExecutor:
    """Return the executor for evaluations, with its limits. `memory` is the bytes for each evaluation."""
    return ProcessExecutor(
        folder,
        limits=ChildLimits(
            time=timedelta(hours=settings.max_hours),
            silence=timedelta(minutes=settings.stuck_minutes),
            memory=memory,
        ),
        launcher=launcher,
        devices=settings.devices,
        free_disk=int(settings.free_disk_gb * GB),
        on_end=on_end,
    )


def make_tester(
    settings: Settings, folder: Path, launcher: Launcher, on_end: Callable[[], None]
) -> ProcessExecutor:
    """Return the executor for the suite's trial. It may have to download all questions, so allow it time."""
    limits = ChildLimits(
        time=timedelta(hours=settings.max_hours), silence=timedelta(minutes=settings.stuck_minutes)
    )
    return ProcessExecutor(folder, limits=limits, launcher=launcher, work=Work.TRY, on_end=on_end)


def main() -> int:
    """Run until a signal or, with `--drain`, until the queue is empty."""
    parser = argparse.ArgumentParser(prog="python -m src.worker", description=__doc__)
    parser.add_argument("--drain", action="store_true", help="end when the queue is empty and nothing runs")
    arguments = parser.parse_args()
    secrets = withdraw_secrets()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # otherwise it logs every call to the Hub
    worker = make_worker(read_settings(Settings, owners_file("src.envs"), {**os.environ, **secrets}))
    stop = StopSignal()

    def tick() -> None:
        worker.tick()
        if arguments.drain and (worker.is_idle() or worker.is_refused()):
            stop.send()

    log.info("worker %s starts. %s", worker.identity.worker, worker.stores.notice)
    worker.ticker.start(tick)
    stop.wait()
    is_refused = arguments.drain and worker.is_refused()
    worker.close()
    return REFUSED if is_refused else 0


if __name__ == "__main__":
    with exit_on_configuration_error():
        sys.exit(main())

"""The parts of a worker that the owner's settings shape: its rules, its executors and their processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from src.queue.lifecycle import LeaseTerms
from src.queue.policy import Policy, read_order
from src.queue.retries import RetryTerms
from src.queue.samples_dataset import SamplesDataset
from src.running.child_environment import clean_environment
from src.running.executor import ProcessExecutor
from src.running.job import Work
from src.running.launchers import Launcher, ProgramLauncher
from src.running.suite import Suite
from src.running.warm_launcher import WarmLauncher
from src.running.watch import GB, ChildLimits
from src.settings import Settings
from src.shared.errors import ConfigurationError
from src.shared.process.steady import steady_now
from src.shared.stores.budgets import Pace
from src.shared.stores.hub import Hub

SAMPLES_ARE_LOCAL = (
    "SAMPLES_REPO names a dataset on the Hub, but the data is in a local folder, where samples lie with the "
    "results. Leave SAMPLES_REPO unset, or set SAVE_SAMPLES to False."
)
SAMPLES_OF_THEIR_OWN = (
    "SAMPLES_REPO is {}, which holds this leaderboard's requests or results. Name another dataset, or leave "
    "it unset."
)


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

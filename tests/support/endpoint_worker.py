"""A worker on a Hub that rents endpoints, as a process that can be told to die by SIGKILL at one of its
steps.

Run as `python endpoint_worker.py WORKER FOLDER [--die-at STEP] [--after NUMBER]`, with the settings as
variables and the backend and the tests on PYTHONPATH. What evaluates are children that only pretend; what
makes, watches and deletes endpoints is the worker's own. It ends when nothing waits or runs anywhere.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from src.inference import endpoint_executor
from src.inference.endpoints import Endpoints
from src.parts import make_executor, make_hosting, with_servers
from src.queue.lifecycle import LeaseTerms
from src.queue.policy import Policy
from src.queue.reconciler import Reconciler
from src.queue.retries import RetryTerms
from src.queue.ticker import Ticker
from src.running.child_environment import clean_environment
from src.running.executor import ProcessExecutor
from src.running.identity import take_identity
from src.running.launchers import ProgramLauncher
from src.settings import Settings
from src.shared.environment import read_settings
from src.shared.stores.hub_store import HubStore
from src.shared.wiring import open_stores
from src.worker import Worker
from support.queues import SUITE

STEPS = ("created", "waiting", "running", "published", "deleted")

MOMENT = timedelta(seconds=0.1)
LEASE = LeaseTerms(timedelta(seconds=4), skew=timedelta(0))
"""Short, so that a test need not wait long until a killed worker counts as dead."""


def die_after(
    owner: Any, method: str, number: int, counts: Callable[[Any], bool] = lambda value: True
) -> None:
    """Have the process die right after the call of this number whose value counts."""
    real = getattr(owner, method)
    left = [number]

    def call(*args: Any, **kwargs: Any) -> Any:
        value = real(*args, **kwargs)
        left[0] -= counts(value)
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return value

    setattr(owner, method, call)


def prepare_to_die(step: str, number: int, results: HubStore) -> None:
    """Arrange for the death at a step."""
    if step == "created":
        die_after(Endpoints, "create", number)
    elif step == "waiting":
        die_after(Endpoints, "find", number, lambda found: found is not None and found.state == "pending")
    elif step == "running":
        die_after(ProcessExecutor, "start", number)
    elif step == "published":
        die_after(results, "commit", number)
    else:
        die_after(Endpoints, "delete", number)


class NothingToAnnounce:
    """In the place of what tries and describes the suite, which takes longer than all the rest."""

    is_done = True
    problems = ()

    def poll(self) -> None:
        """Do nothing."""

    def tick(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("worker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--die-at", choices=STEPS)
    parser.add_argument("--after", type=int, default=1)
    options = parser.parse_args()

    settings = read_settings(Settings)
    endpoint_executor.POLL_SECONDS = 0.05
    stores, hosting = open_stores(settings), make_hosting(settings)
    if options.die_at:
        assert isinstance(stores.results, HubStore)
        prepare_to_die(options.die_at, options.after, stores.results)
    environment = clean_environment(options.folder)
    child = (sys.executable, str(Path(__file__).with_name("fast_child.py")))
    launcher = ProgramLauncher(environment, child)
    executor = make_executor(
        settings,
        10**10,
        options.folder,
        launcher,
        lambda: None,
        hosting,
    )
    reconciler = Reconciler(
        worker=options.worker,
        requests=stores.requests,
        results=stores.results,
        models=stores.models,
        executor=executor,
        suite=replace(SUITE, tasks_dir=str(options.folder)),
        policy=Policy(lease=LEASE, retries=RetryTerms(first_pause=MOMENT, longest_pause=MOMENT)),
        slots=settings.slots,
        may_claim=hosting.may_claim,
        policy_now=partial(with_servers, hosting=hosting),
    )
    worker = Worker(
        reconciler,
        NothingToAnnounce(),  # type: ignore[arg-type]
        Ticker(MOMENT),
        take_identity(options.worker),
        stores,
        launcher,
        hosting,
    )
    while True:
        worker.tick()
        if worker.is_idle() and not reconciler.leased():
            break
        time.sleep(0.05)
    worker.close()


if __name__ == "__main__":
    main()

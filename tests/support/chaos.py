"""Chaos: workers are killed at random moments while they evaluate, and in the end nothing may be lost.

`make chaos` runs it; docs/reliability.md has what came of it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from src.shared.data.reports import read_result
from src.shared.data.request import Request, Status, read_request, write_request
from src.shared.data.result import Result
from src.shared.errors import Conflict, StoreError
from src.shared.stores.conflicts import TRIES
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.hub import Hub
from src.shared.stores.hub_store import HubStore
from src.shared.stores.mirror import Mirror
from src.shared.stores.store import Store
from src.shared.times import to_text, utc_now
from support.chaos_worker import LEASE, TICK, UNCAPPED
from support.hub import running_hub
from support.queues import COMMIT

PAUSE_SECONDS = 0.05
"""Between two tries at a Hub that has faults."""

TESTS = Path(__file__).resolve().parents[1]
PATH = os.pathsep.join([str(TESTS.parent / "backend"), str(TESTS)])

POISON = "acme/killed"
"""A model whose child is always killed."""

SECONDS_TO_STOP = 120
"""On a Hub that does not answer, the tick that is under way takes its time."""

LONGEST = LEASE.duration + LEASE.skew + TICK
"""How long a request may stay with a worker that is gone."""


@dataclass(frozen=True)
class Plan:
    """What is done to whom. `attempts` is the cap on attempts that the model may be to blame for, `faults`
    the share of the Hub's answers that are errors.
    """

    store: str = "folder"
    requests: int = 60
    kills: int = 200
    workers: int = 3
    attempts: int = UNCAPPED
    has_poison: bool = False
    faults: float = 0.0
    seed: int = 0


@dataclass
class Outcome:
    """What came of it."""

    requests: Mapping[str, Request]
    results: Mapping[str, Result]
    kills: int
    seconds: float
    waits: list[timedelta] = field(default_factory=list)

    @property
    def statuses(self) -> Counter[str]:
        return Counter(request.status.value for request in self.requests.values())

    @property
    def ends(self) -> Counter[str]:
        """How many attempts ended in which way."""
        return Counter(attempt.end for request in self.requests.values() for attempt in request.history)

    @property
    def published(self) -> Counter[str]:
        """How many results each request has."""
        return Counter(str(result.request) for result in self.results.values())


@dataclass(frozen=True)
class Place:
    """Where the data lies: two datasets, the variables that tell a worker so, and what ends the faults."""

    requests: Store
    results: Store
    variables: Mapping[str, str]
    calm: Callable[[], None] = lambda: None


class Chaos:
    """Workers that are killed and followed by others, on one queue."""

    def __init__(self, plan: Plan, place: Place, folder: Path) -> None:
        self._plan = plan
        self._place = place
        self._folder = folder
        self._environment = {**os.environ, **place.variables, "PYTHONPATH": PATH}
        self._chance = Random(plan.seed)
        self._requests: Mirror[Request] = Mirror(place.requests, lambda _, data: read_request(data))
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._names = (f"worker-{number}" for number in range(1_000_000))
        self._cut_short: dict[tuple[str, int], datetime] = {}

    def run(self) -> Outcome:
        """Submit everything little by little, kill all the while, and wait until the queue is empty."""
        began = time.monotonic()
        models = [f"acme/chaos-{number}" for number in range(self._plan.requests)]
        if self._plan.has_poison:
            models[0] = POISON
        for _ in range(self._plan.workers):
            self._start(next(self._names))
        for kill in range(self._plan.kills):
            due = len(models) - self._plan.requests * (self._plan.kills - kill) // self._plan.kills
            self._submit(models[:due])
            self._wait_for_work(seconds=10)
            time.sleep(self._chance.uniform(0.0, 1.0))
            self._kill()
        self._submit(models)
        self._wait_for_the_end(seconds=180)
        seconds = time.monotonic() - began
        self._place.calm()
        self.stop()
        requests = self._requests.refresh().values
        results = Mirror(self._place.results, read_result).refresh().values
        return Outcome(requests, results, self._plan.kills, seconds, list(self._waits(requests)))

    def stop(self) -> None:
        """End every worker."""
        for worker in self._workers.values():
            worker.terminate()
        for worker in self._workers.values():
            worker.wait(SECONDS_TO_STOP)

    def _start(self, name: str) -> None:
        script = str(Path(__file__).with_name("chaos_worker.py"))
        with (self._folder / f"{name}.log").open("ab") as log:
            self._workers[name] = subprocess.Popen(
                [sys.executable, script, name, str(self._folder), str(self._plan.attempts)],
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    def _kill(self) -> None:
        """Kill a worker, every other time one that evaluates; another one follows, under its name or, as on
        another machine, under a new one.
        """
        busy = self._busy() if self._chance.random() < 0.5 else set()
        name = self._chance.choice(sorted(busy or self._workers))
        worker = self._workers.pop(name)
        worker.kill()
        worker.wait()
        now = utc_now()
        for path, request in self._read().items():
            if request.lease and request.lease.worker == name:
                self._cut_short.setdefault((path, request.attempt), now)
        self._start(name if self._chance.random() < 0.5 else next(self._names))

    def _busy(self) -> set[str]:
        """Which of the workers hold a request."""
        holders = {request.lease.worker for request in self._read().values() if request.lease}
        return holders & set(self._workers)

    def _wait_for_work(self, *, seconds: float) -> None:
        """On a busy machine a worker takes seconds to start, and none is killed before it has."""
        deadline = time.monotonic() + seconds
        while not self._busy() and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)

    def _submit(self, models: list[str]) -> None:
        """Put these into the queue, as far as they are not there."""
        for _ in range(TRIES):
            there = self._read()
            new = {f"{model}.json": write_request(_request(model)) for model in models}
            new = {path: data for path, data in new.items() if path not in there}
            if not new:
                return
            with suppress(Conflict, StoreError):
                parent = self._requests.refresh().snapshot
                self._place.requests.commit(add=new, message="submit", parent=parent)
            time.sleep(PAUSE_SECONDS)

    def _read(self) -> Mapping[str, Request]:
        for _ in range(TRIES):
            with suppress(StoreError):
                return self._requests.refresh().values
            time.sleep(PAUSE_SECONDS)
        return {}

    def _wait_for_the_end(self, *, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            left = Counter(request.status for request in self._read().values())
            if not left[Status.PENDING] and not left[Status.RUNNING] and left:
                return
            time.sleep(0.2)

    def _waits(self, requests: Mapping[str, Request]) -> Iterator[timedelta]:
        """How long each attempt that was cut short kept its request from the queue."""
        for path, request in requests.items():
            for attempt in request.history:
                killed = self._cut_short.get((path, attempt.attempt))
                if killed and attempt.ended and attempt.end == "lost":
                    yield max(attempt.ended - killed, timedelta(0))


def _request(model: str) -> Request:
    return Request(
        model=model,
        status=Status.PENDING,
        precision="float16",
        commit=COMMIT,
        submitted_time=to_text(utc_now()),
    )


@contextmanager
def place_for(plan: Plan, folder: Path) -> Iterator[Place]:
    """Empty datasets in folders, or on a Hub for tests."""
    if plan.store == "folder":
        data = folder / "data"
        variables = {"LEADERBOARD_DATA_DIR": str(data), "HF_HUB_OFFLINE": "1"}
        yield Place(FolderStore(data / "requests"), FolderStore(data / "results"), variables)
        return
    with running_hub() as hub:
        token = hub.add_user("alice", {"acme": "write"})
        for dataset in ("acme/requests", "acme/results"):
            hub.add_dataset(dataset, {"README.md": "# A dataset\n"})
        if plan.faults:
            hub.faults.strike_share(plan.faults, seed=plan.seed)
        variables = {
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": token,
            "HF_HUB_DISABLE_XET": "1",
            "OWNER": "acme",
            "COMMITS_PER_HOUR": "1000000",
        }
        client = Hub(token, endpoint=hub.url)
        requests, results = HubStore(client, "acme/requests"), HubStore(client, "acme/results")
        yield Place(requests, results, variables, hub.faults.stop)


def unleash(plan: Plan, folder: Path) -> Outcome:
    """Carry out a plan in an empty folder, and tell what came of it."""
    with place_for(plan, folder) as place:
        chaos = Chaos(plan, place, folder)
        try:
            return chaos.run()
        finally:
            chaos.stop()


def report(plan: Plan, outcome: Outcome) -> str:
    """The figures of one run, as a line of docs/reliability.md's table."""
    longest = max(outcome.waits, default=timedelta(0)).total_seconds()
    twice = sum(number > 1 for number in outcome.published.values())
    cells = [
        plan.store + (f", {plan.faults:.0%} faults" if plan.faults else ""),
        "none" if plan.attempts == UNCAPPED else str(plan.attempts),
        str(outcome.kills),
        str(len(outcome.requests)),
        ", ".join(f"{number} {status}" for status, number in sorted(outcome.statuses.items())),
        str(outcome.ends["lost"]),
        str(twice),
        f"{longest:.1f} s",
        f"{outcome.seconds:.0f} s",
    ]
    return f"| {' | '.join(cells)} |"


HEADER = """\
| store | cap | kills | requests | ended | attempts lost | published twice | longest stuck | took |
|---|---|---|---|---|---|---|---|---|"""


def main() -> None:
    """Run the plan that the arguments describe, or the four of docs/reliability.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=["folder", "hub"])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--requests", type=int, default=60)
    parser.add_argument("--faults", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    usual = Plan(kills=given.kills, requests=given.requests, seed=given.seed)
    plans = [
        usual,
        replace(usual, attempts=3, has_poison=True),
        replace(usual, store="hub"),
        replace(usual, store="hub", faults=0.1),
    ]
    if given.store:
        plans = [replace(usual, store=given.store, faults=given.faults)]
    print(HEADER, flush=True)
    for plan in plans:
        with tempfile.TemporaryDirectory() as folder:
            print(report(plan, unleash(plan, Path(folder))), flush=True)


if __name__ == "__main__":
    main()

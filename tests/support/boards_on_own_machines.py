"""A leaderboard in a folder whose workers are jobs of a cluster, or processes of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from src.shared.data.request import Request, Status, read_request, write_request
from support.factories import make_request
from support.slurm import Cluster
from support.sources import ROOT
from support.tiny_model import make_tiny_model
from support.waiting import PATIENCE, wait_for

SMALL, LARGE = 1.0, 5.0
"""Sizes in billions of parameters, as the requests say: in float32 4 GB and 20 GB."""

MACHINES = {
    "slurm": "small: 6 GB, --mem=600; big: 30 GB, --mem=900",
    "local": "small: 6 GB; big: 30 GB",
}


@dataclass
class OwnBoard:
    """The folder of a leaderboard, and the fleets that evaluate for it."""

    folder: Path
    cluster: Cluster | None = None
    """Where members are jobs. Without one they are processes."""
    paths: list[str] = field(default_factory=list)

    @property
    def engine(self) -> str:
        return "slurm" if self.cluster else "local"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def fleet_folder(self) -> Path:
        return self.folder / "fleet"

    def submit(self, number: int, params: float = SMALL) -> str:
        """Add a model and a request for it. Returns the request's path."""
        model = f"acme/tiny-{number}"
        make_tiny_model(self.data / "models" / model)
        path = f"{model}_eval_request_False_float32_Original.json"
        file = self.data / "requests" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        request = replace(make_request(model=model, params=params), commit=None)
        file.write_bytes(write_request(request))
        self.paths.append(path)
        return path

    def read(self, path: str) -> Request:
        """A request. Writers replace files whole, so it is there at every moment."""
        return read_request((self.data / "requests" / path).read_bytes())

    def processes_of(self, worker: str) -> list[psutil.Process]:
        """The process of a worker, and all beneath it; nothing if it does not run."""
        if self.cluster:
            return self.cluster.processes_of(worker.partition(".")[2])
        with suppress(psutil.NoSuchProcess):
            (file,) = self.fleet_folder.glob(f"*/{worker}.pid")
            process = psutil.Process(int(file.read_text()))
            return [process, *process.children(recursive=True)]
        return []

    def running(self) -> dict[str, str]:
        """The names of the workers that hold a request, each with the request's path."""
        found = ((path, self.read(path)) for path in self.paths)
        return {each.lease.worker: path for path, each in found if each.lease}

    def number(self, status: Status) -> int:
        """How many requests have a status."""
        return sum(self.read(path).status is status for path in self.paths)

    def results(self) -> list[str]:
        """For which model each result is, sorted."""
        found = (self.data / "results").glob("*/*/results_*.json")
        return sorted(f"{each.parts[-3]}/{each.parts[-2]}" for each in found)

    def environment(self, **changes: str) -> dict[str, str]:
        """The environment of a dispatcher."""
        paths = [ROOT / "backend", ROOT / "tests", ROOT / "tests" / "support" / "impatient"]
        settings = {
            "LEADERBOARD_DATA_DIR": str(self.data),
            "HF_HUB_OFFLINE": "1",
            "FLEET": self.engine,
            "FLEET_MACHINES": MACHINES[self.engine],
            "FLEET_FOLDER": str(self.fleet_folder),
            "MAX_WORKERS": "3",
            "TASKS_HARNESS": "tiny_copy",
            "LIMIT": "20",
            "BATCH_SIZE": "1",
            "REFRESH_RATE": "0.5",
            "LEASE_MINUTES": "0.3",
            "MAX_ATTEMPTS": "20",  # a busy machine may be late for its lease
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "TMPDIR": str(self.folder),
        }
        return {**os.environ, **settings, **(self.cluster.variables if self.cluster else {}), **changes}

    def dispatch(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m src.fleet --once` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "src.fleet", *(arguments or ("--once",))],
            cwd=ROOT / "backend",
            env=self.environment(**changes),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    @contextmanager
    def dispatching(self, **changes: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a dispatcher until the block ends."""
        with (self.folder / "dispatchers.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "src.fleet"],
                cwd=ROOT / "backend",
                env=self.environment(**changes),
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE)

    def wait_for_work(self) -> str:
        """Wait until a worker that lives holds a request, and return its name."""

        def at_work() -> str | None:
            return next(filter(self.processes_of, self.running()), None)

        try:
            return wait_for(at_work, what="a claim") or ""
        except AssertionError:
            raise AssertionError(self.told()) from None

    def wait_for_the_end(self, *, seconds: float = 600) -> None:
        """Wait until every request is finished, and nothing runs or waits."""

        def is_over() -> bool:
            return self.number(Status.FINISHED) == len(self.paths)

        try:
            wait_for(is_over, seconds=seconds, what="finished")
        except AssertionError:
            states = [(each, self.read(each).status, self.read(each).message) for each in self.paths]
            raise AssertionError(f"{states}\n{self.told()}") from None

    def told(self) -> str:
        """All that dispatchers and members have printed, for the message of a failed test."""
        logs = [*sorted(self.folder.glob("*.log")), *sorted(self.fleet_folder.rglob("*.log"))]
        return "\n".join(f"== {each.name}\n{each.read_text(errors='replace')[-3000:]}" for each in logs)

    def is_finished_once(self) -> bool:
        """Whether each request has one result, and there are no others."""
        models = sorted(self.read(path).model for path in self.paths)
        return self.number(Status.FINISHED) == len(self.paths) and self.results() == models


def kill(processes: list[psutil.Process], how: signal.Signals = signal.SIGKILL) -> list[psutil.Process]:
    """Kill these, the first one first, and none that has gone. Returns those that it has reached."""
    reached = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(how)
            reached.append(process)
    return reached

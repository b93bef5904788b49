"""A leaderboard on a Hub of the tests whose workers are Jobs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from src.shared.data.names import is_data_path
from src.shared.data.request import Request, Status, read_request, write_request
from support.factories import make_request
from support.hub import Hub, Job
from support.hub.repository import RepoName
from support.sources import ROOT
from support.tiny_model import make_tiny_model
from support.waiting import PATIENCE

REQUESTS, RESULTS = RepoName("dataset", "acme/requests"), RepoName("dataset", "acme/results")
IMAGE = "python:3.11"
SMALL, LARGE = 1.0, 5.0
"""Sizes in billions of parameters: in float32 4 GB, for cpu-basic, and 20 GB, for cpu-upgrade."""

PIP = """\
import importlib.metadata, re, sys
lines = sys.argv[1:]
if "--requirement" in lines:
    lines = open(lines[lines.index("--requirement") + 1]).read().splitlines()
assert not [name for name in __import__("os").environ if name in ("HF_TOKEN", "HF_READ_TOKEN")]
for name, version in re.findall(r"^([\\w.-]+)==(\\S+)(?:  #.*)?$", "\\n".join(lines), re.M):
    assert importlib.metadata.version(name).partition("+")[0] == version, name
"""
"""In the place of pip: it checks that what is to be installed is there, and that it sees no token."""


def make_image(folder: Path) -> Path:
    """Return the folder of programs of a Python image, in which everything is installed already."""
    folder.mkdir()
    (folder / "pip.py").write_text(PIP)
    python = Path(sys.executable)
    programs = {
        "python": f'exec {python} "$@"',
        "hf": f'exec {python.with_name("hf")} "$@"',
        "pip": f'exec {python} {folder / "pip.py"} "$@"',
    }
    for name, line in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    return folder


def backend_files() -> dict[str, bytes]:
    """The files of the backend's Space."""
    folder = ROOT / "backend"
    wanted = [*folder.glob("*.txt"), *folder.glob("*.py"), *(folder / "tasks").rglob("*")]
    wanted += [each for each in (folder / "src").rglob("*") if "__pycache__" not in each.parts]
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in wanted if each.is_file()}


HURRIED = {
    "src/parts.py": [
        (
            r"LeaseTerms\(timedelta\(minutes=settings.lease_minutes\)\)",
            "LeaseTerms(timedelta(minutes=settings.lease_minutes), skew=timedelta(0))",
        ),
        (
            r"RetryTerms\(attempts=settings.max_attempts\)",
            "RetryTerms(settings.max_attempts, 50, 3, timedelta(seconds=1), timedelta(seconds=1))",
        ),
    ],
    "src/fleet/situation.py": [
        (r"\nSTARTS_WITHIN = .*", "\nSTARTS_WITHIN = timedelta(seconds=4)"),
        (r"\nSOLD_OUT_FOR = .*", "\nSOLD_OUT_FOR = timedelta(seconds=10)"),
    ],
    "src/fleet/starting.py": [
        (r"\nFIRST_PAUSE, .*", "\nFIRST_PAUSE = LONGEST_PAUSE = timedelta(seconds=1)"),
    ],
}
"""What makes a leaderboard give up after seconds and not after an hour, so that a test need not wait."""


def hurried(files: dict[str, bytes]) -> dict[str, bytes]:
    """The backend's files with shorter waits."""
    changed = dict(files)
    for path, changes in HURRIED.items():
        text = changed[path].decode()
        for old, new in changes:
            text, number = re.subn(old, new, text)
            assert number == 1, f"{path} has no {old}"
        changed[path] = text.encode()
    return changed


@dataclass
class JobsBoard:
    """The datasets, models, tokens and jobs of a leaderboard."""

    hub: Hub
    folder: Path
    token: str = ""
    """The Space's own, which may start jobs and write everything."""
    fleets: str = ""
    """The members', which may write the two datasets."""
    paths: list[str] = field(default_factory=list)
    backend: Path = ROOT / "backend"
    """Where dispatchers run."""

    def __post_init__(self) -> None:
        self.token = self.hub.add_user("alice", {"acme": "admin"})
        self.fleets = self.hub.add_token(
            "alice", "fineGrained", ["datasets/acme/requests", "datasets/acme/results"]
        )
        self.hub.add_dataset("acme/requests")
        self.hub.add_dataset("acme/results")
        self.hub.add_space("acme/backend", backend_files())
        self.hub.jobs.images[IMAGE] = make_image(self.folder / "image")
        self.hub.jobs.environment |= {
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "OMP_NUM_THREADS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }

    def hurry(self) -> None:
        """From now on members and dispatchers run the backend with shorter waits."""
        self.backend = self.folder / "backend"
        files = hurried(backend_files())
        for path, data in files.items():
            (self.backend / path).parent.mkdir(parents=True, exist_ok=True)
            (self.backend / path).write_bytes(data)
        self.hub.get(RepoName("space", "acme/backend")).put(files)

    def submit(self, number: int, params: float = SMALL, **changes: object) -> str:
        """Add a model and a request for it. Returns the request's path."""
        name = f"acme/tiny-{number}"
        model = self.hub.add_model(name, make_tiny_model(self.folder / f"model-{number}"))
        path = f"{name}_eval_request_False_float32_Original.json"
        known = {"model": name, "commit": model.head.id, "precision": "float32", "params": params}
        self.hub.get(REQUESTS).put({path: write_request(make_request(**{**known, **changes}))})
        self.paths.append(path)
        return path

    def requests(self) -> dict[str, Request]:
        """All requests, by path."""
        files = self.hub.get(REQUESTS).files()
        return {path: read_request(data) for path, data in files.items() if is_data_path(path)}

    def number(self, status: Status) -> int:
        """How many requests have a status."""
        return sum(each.status is status for each in self.requests().values())

    def results(self) -> list[str]:
        """The paths of all results."""
        return sorted(path for path in self.hub.get(RESULTS).files() if "/results_" in path)

    def result(self, path: str) -> dict[str, object]:
        """The result of a request."""
        found: dict[str, object] = json.loads(self.hub.get(RESULTS).read(str(self.requests()[path].result)))
        return found

    def variables(self, **changes: str) -> dict[str, str]:
        """The environment of a dispatcher."""
        settings = {
            "HF_ENDPOINT": self.hub.url,
            "OWNER": "acme",
            "HF_TOKEN": self.token,
            "FLEET": "jobs",
            "FLEET_TOKEN": self.fleets,
            "FLEET_CODE": "acme/backend",
            "FLEET_FLAVORS": "cpu-basic, cpu-upgrade",
            "MAX_WORKERS": "2",
            "MAX_DOLLARS_PER_DAY": "10",
            "TASKS_HARNESS": "tiny_copy",
            "LIMIT": "5",
            "BATCH_SIZE": "8",
            "REFRESH_RATE": "0.5",
            "PYTHONPATH": str(self.backend),
            "TMPDIR": str(self.folder),
        }
        return {**os.environ, **settings, **changes}

    def dispatch(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m src.fleet --once` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "src.fleet", *(arguments or ("--once",))],
            cwd=self.backend,
            env=self.variables(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    @contextmanager
    def dispatching(
        self, *, log: str = "dispatcher.log", **variables: str
    ) -> Iterator[subprocess.Popen[str]]:
        """Run a dispatcher until the block ends. Its log is in the folder."""
        with (self.folder / log).open("a") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "src.fleet"],
                cwd=self.backend,
                env=self.variables(**variables),
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
            )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE)

    def told(self) -> str:
        """All that jobs and dispatchers have printed, for the message of a failed test."""
        logs = [each.read_text() for each in sorted(self.folder.glob("*.log"))]
        jobs = [f"{each.id} {each.stage} {each.message}\n{each.text}" for each in self.hub.jobs.all]
        return "\n".join([*logs, *jobs])

    def last(self) -> Job:
        """The job that was started last."""
        return self.hub.jobs.all[-1]

"""A leaderboard on a Hub of the tests whose models run on endpoints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from huggingface_hub import HfApi

from src.inference.renting import Renting
from src.shared.data.names import is_data_path
from src.shared.data.request import Request, read_request, write_request
from src.shared.times import utc_now
from support.factories import make_request
from support.hub import Hub
from support.hub.repository import RepoName
from support.sources import ROOT
from support.tiny_model import make_tiny_model
from support.unprivileged import unprivileged
from support.waiting import PATIENCE

REQUESTS, RESULTS = RepoName("dataset", "acme/requests"), RepoName("dataset", "acme/results")
WORKER = ROOT / "tests" / "support" / "endpoint_worker.py"
CALLS = "inference.endpoints.infer.write"


@dataclass
class Board:
    """The datasets, models and tokens of a leaderboard, and its workers."""

    hub: Hub
    folder: Path
    token: str = ""
    calling: str = ""
    """The token that may only call endpoints."""
    commits: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.token = self.hub.add_user("alice", {"acme": "admin"})
        self.calling = self.hub.add_token("alice", "fineGrained", permissions={"acme": [CALLS]})
        self.hub.add_dataset("acme/requests")
        self.hub.add_dataset("acme/results")

    def submit(self, name: str = "acme/tiny", **changes: object) -> str:
        """Add a model and a request for it. Returns the request's path."""
        model = self.hub.add_model(name, make_tiny_model(self.folder / name.replace("/", "-")))
        path = f"{name}_eval_request_False_float32_Original.json"
        known = {"model": name, "commit": model.head.id, "precision": "float32", "params": 1.0}
        request = make_request(**{**known, **changes})
        self.hub.get(REQUESTS).put({path: write_request(request)})
        self.commits[name] = model.head.id
        return path

    def request(self, path: str) -> Request:
        return read_request(self.hub.get(REQUESTS).read(path))

    def edit(self, path: str, request: Request) -> None:
        """Write a request by hand."""
        self.hub.get(REQUESTS).put({path: write_request(request)})

    def again(self, path: str) -> None:
        """Have a request evaluated again, as its owner does."""
        raw = json.loads(self.hub.get(REQUESTS).read(path))
        self.hub.get(REQUESTS).put({path: json.dumps({**raw, "status": "RERUN"})})

    def files(self, name: str) -> dict[str, bytes]:
        """All files of a dataset."""
        return dict(self.hub.get(RepoName("dataset", f"acme/{name}")).files())

    def make_endpoint(self, name: str, model: str) -> None:
        """Make an endpoint as somebody else with the same account does."""
        HfApi(endpoint=self.hub.url, token=self.token).create_inference_endpoint(
            name,
            namespace="acme",
            repository=model,
            framework="pytorch",
            accelerator="gpu",
            vendor="aws",
            region="us-east-1",
            instance_type="nvidia-l4",
            instance_size="x1",
            custom_image={"vLLM": {"url": "vllm/vllm-openai:v1", "port": 8000}},
            container_args=["--served-model-name", model],
        )

    def requests(self) -> dict[str, Request]:
        """All requests, by path."""
        files = self.hub.get(REQUESTS).files()
        return {path: read_request(data) for path, data in files.items() if is_data_path(path)}

    def results(self) -> list[str]:
        """The paths of all results."""
        return sorted(path for path in self.hub.get(RESULTS).files() if "/results_" in path)

    def spent(self) -> float:
        """What the requests say was spent today, in dollars."""
        return Renting(offers=None, stops_within=timedelta()).spent_today(self.requests(), utc_now())

    def variables(self, **changes: str) -> dict[str, str]:
        """The environment of a worker."""
        settings = {
            "HF_ENDPOINT": self.hub.url,
            "INFERENCE_ENDPOINTS_URL": f"{self.hub.url}/v2",
            "OWNER": "acme",
            "HF_TOKEN": self.token,
            "INFERENCE": "endpoint",
            "INFERENCE_TOKEN": self.calling,
            "MAX_DOLLARS_PER_DAY": "100",
            "REFRESH_RATE": "0.2",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "backend"), str(ROOT / "tests")]),
            "TMPDIR": str(self.folder),
        }
        return {**os.environ, **settings, **changes}

    def run(self, *arguments: str, worker: str = "one", dies: bool = False, **variables: str) -> str:
        """Run `endpoint_worker.py` to its end, or until it is killed. Returns what it printed."""
        folder = self.folder / worker
        folder.mkdir(exist_ok=True)
        process = subprocess.run(
            [sys.executable, str(WORKER), worker, str(folder), *arguments],
            env=self.variables(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert process.returncode == (-signal.SIGKILL if dies else 0), process.stdout
        return process.stdout

    def drain(self, **variables: str) -> str:
        """Run the worker's own command, with real evaluations, until nothing is left. Returns what it said.

        It runs as an ordinary user, who cannot look into processes that hide.
        """
        process = subprocess.run(
            unprivileged(sys.executable, "-m", "src.worker", "--drain"),
            cwd=ROOT / "backend",
            env=self.variables(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert process.returncode == 0, process.stdout
        return process.stdout

    @contextmanager
    def working(self, **variables: str) -> Iterator[Path]:
        """Run the worker's own command until the block ends, then end it politely. Yields its log."""
        log = self.folder / "worker.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "src.worker"],
                cwd=ROOT / "backend",
                env=self.variables(**variables),
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        try:
            yield log
        finally:
            process.terminate()
            process.wait(PATIENCE)

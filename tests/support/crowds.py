"""Many at once on one Hub: frontends and workers as processes, with models that can be submitted."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_leaderboard import ROOT, Space, running
from support.hub_process import RemoteHub, hub_process
from support.leaderboard import BACKEND_PYTHON, FRONTEND_PYTHON, TO_THE_HUB_OF_THE_TESTS
from support.waiting import PATIENCE

CARD = "---\nlicense: mit\n---\n# A model\n\n" + "It was made to be submitted by many at once. " * 5
CONFIG = json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama"})
HEADER = json.dumps({"weight": {"dtype": "F32", "shape": [10], "data_offsets": [0, 40]}})
WEIGHTS = chr(len(HEADER)) + "\0" * 7 + HEADER + "\0" * 40
"""A file of weights that is a text: its header has fewer than 128 bytes."""

UNLIMITED = {"COMMITS_PER_HOUR": "1000000"}
"""What happens in an hour at other times happens here in a minute."""


@dataclass
class Crowd:
    """A Hub with models, and everybody who works on its two datasets."""

    hub: RemoteHub
    folder: Path
    variables: dict[str, str]
    stack: ExitStack

    def add_models(self, number: int) -> list[str]:
        """New models that can be submitted."""
        names = [f"acme/model-{each}" for each in range(number)]
        for name in names:
            files = {"config.json": CONFIG, "README.md": CARD, "model.safetensors": WEIGHTS}
            self.hub.do("add_repository", type="model", id=name, files=files)
        return names

    def start_frontend(self, name: str) -> Space:
        """One more frontend."""
        spaces = self.stack.enter_context(running(self.folder / name, ("frontend",), **self.variables))
        return spaces["frontend"]

    def start_worker(self, name: str) -> subprocess.Popen[bytes]:
        """One more worker."""
        script = ROOT / "tests" / "support" / "hub_worker.py"
        path = os.pathsep.join([str(ROOT / "backend"), str(ROOT / "tests")])
        log = self.stack.enter_context((self.folder / f"{name}.log").open("ab"))
        worker = subprocess.Popen(
            [BACKEND_PYTHON, str(script), name, str(self.folder / "notes.txt")],
            env={**os.environ, **self.variables, "PYTHONPATH": path},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        self.stack.callback(self.stop, worker)
        return worker

    def stop(self, worker: subprocess.Popen[bytes]) -> None:
        """End a worker as the Hub ends a Space."""
        worker.terminate()
        worker.wait(PATIENCE)

    def evaluations(self) -> Counter[str]:
        """How often each model was evaluated."""
        return Counter(line.split()[0] for line in (self.folder / "notes.txt").read_text().splitlines())

    def files(self, dataset: str) -> dict[str, Any]:
        """All requests or results that lie on the Hub, parsed."""
        api = f"{self.hub.url}/api/datasets/acme/{dataset}?blobs=false"
        names = [each["rfilename"] for each in json.loads(self._get(api))["siblings"]]
        address = f"{self.hub.url}/datasets/acme/{dataset}/resolve/main"
        found = [name for name in names if name.endswith(".json")]
        with ThreadPoolExecutor(8) as readers:
            contents = readers.map(lambda name: json.loads(self._get(f"{address}/{name}")), found)
            return dict(zip(found, contents, strict=True))

    def all_that_is_told(self, frontends: list[Space]) -> str:
        """Logs, pages, answers, every published file and every commit message, in one text."""
        text = [log.read_text() for log in self.folder.rglob("*.log")]
        text += [
            self._get(frontend.url + path).decode() for frontend in frontends for path in ("/", "/config")
        ]
        for dataset in ("requests", "results"):
            api = f"{self.hub.url}/api/datasets/acme/{dataset}"
            text.append(self._get(f"{api}/commits/main").decode())
            names = [each["rfilename"] for each in json.loads(self._get(api))["siblings"]]
            text += [
                self._get(f"{self.hub.url}/datasets/acme/{dataset}/resolve/main/{name}").decode(
                    errors="replace"
                )
                for name in names
            ]
        return "".join(text)

    def _get(self, address: str) -> bytes:
        with urllib.request.urlopen(address) as answer:
            data: bytes = answer.read()
            return data

    def simulate(self, python: str, space: str, script: str, *arguments: str) -> Simulated:
        """A part of the leaderboard in simulated time."""
        path = os.pathsep.join([str(ROOT / space), str(ROOT / "tests")])
        process = self.stack.enter_context(
            subprocess.Popen(
                [python, str(ROOT / "tests" / "support" / script), *arguments],
                env={**os.environ, **self.variables, "PYTHONPATH": path},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        return Simulated(process)


@dataclass
class Simulated:
    """A process whose clock is moved from here."""

    process: subprocess.Popen[str]

    def move_to(self, seconds: float) -> Any:
        """Let it be that time there, and return what has happened until then."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def crowd_on_a_hub(folder: Path, **settings: str) -> Iterator[Crowd]:
    """A Hub with nobody on it yet, and what is put into the environment of everybody who comes."""
    with hub_process(FRONTEND_PYTHON) as hub, ExitStack() as stack:
        token = hub.do("add_user", name="alice", organizations={"acme": "admin"})
        variables = {
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": token,
            "OWNER": "acme",
            "LEADERBOARD_DATA_DIR": "",
            "REFRESH_RATE": "1",
            **TO_THE_HUB_OF_THE_TESTS,
            **UNLIMITED,
            **settings,
        }
        yield Crowd(hub, folder, variables, stack)
        hub.do("stop_faults")

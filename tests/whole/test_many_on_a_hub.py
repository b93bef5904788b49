"""Several frontends and workers on one Hub, with faults and without: nothing is lost, nothing done twice."""

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
from http.client import HTTPException
from pathlib import Path
from random import Random
from typing import Any

import pytest

from local_leaderboard import ROOT, Space, running
from support.hub_process import RemoteHub, hub_process
from support.leaderboard import BACKEND_PYTHON, FRONTEND_PYTHON, TO_THE_HUB_OF_THE_TESTS
from support.waiting import wait_for

CARD = "---\nlicense: mit\n---\n# A model\n"
CONFIG = json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama"})
KINDS_OF_FAULTS = 9
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
            files = {"config.json": CONFIG, "README.md": CARD}
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
        worker.wait(60)

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
        told = [log.read_text() for log in self.folder.rglob("*.log")]
        told += [
            self._get(frontend.url + path).decode() for frontend in frontends for path in ("/", "/config")
        ]
        for dataset in ("requests", "results"):
            api = f"{self.hub.url}/api/datasets/acme/{dataset}"
            told.append(self._get(f"{api}/commits/main").decode())
            names = [each["rfilename"] for each in json.loads(self._get(api))["siblings"]]
            told += [
                self._get(f"{self.hub.url}/datasets/acme/{dataset}/resolve/main/{name}").decode(
                    errors="replace"
                )
                for name in names
            ]
        assert any("evaluated" in text for text in told)
        return "".join(told)

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
def crowd_on_a_hub(folder: Path) -> Iterator[Crowd]:
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
        }
        yield Crowd(hub, folder, variables, stack)
        hub.do("stop_faults")


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    with crowd_on_a_hub(tmp_path) as crowd:
        yield crowd


def path_of(model: str) -> str:
    return f"{model}_eval_request_False_float32_Original.json"


def request_of(model: str) -> str:
    """A request that has waited for long, as a file."""
    content = {"model": model, "precision": "float32", "status": "PENDING"}
    return json.dumps({**content, "submitted_time": "2026-01-01T00:00:00Z"})


def submit(frontends: list[Space], models: list[str], *, at_once: int) -> None:
    """Submit every model, at the frontends in turn, and again where it was told to try again."""

    def submit_one(number: int) -> None:
        body = json.dumps({"data": [models[number], None, None, "float32", None, None, None]}).encode()
        address = f"{frontends[number % len(frontends)].url}/gradio_api/run/submit"
        call = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        for _ in range(5):
            with urllib.request.urlopen(call, timeout=120) as answer:
                [outcome] = json.load(answer)["data"]
            if outcome["ok"] or "already" in outcome["message"]:
                return
            assert "tried again by itself" in outcome["message"], outcome
        raise AssertionError(f"{models[number]} was not accepted: {outcome}")

    with ThreadPoolExecutor(at_once) as people:
        list(people.map(submit_one, range(len(models))))


def all_finished(crowd: Crowd, number: int) -> bool:
    try:
        requests = crowd.files("requests")
    except (OSError, HTTPException):  # our own calls meet faults too
        return False
    return len(requests) == number and {each["status"] for each in requests.values()} == {"FINISHED"}


def test_two_frontends_and_two_workers_lose_no_update_and_hold_no_claim_twice(crowd: Crowd) -> None:
    models = crowd.add_models(200)
    frontends = [crowd.start_frontend(name) for name in ("frontend-1", "frontend-2")]
    for name in ("worker-1", "worker-2"):
        crowd.start_worker(name)
    submit(frontends, models, at_once=16)
    wait_for(lambda: all_finished(crowd, 200), seconds=180, what="200 finished requests")
    assert crowd.evaluations() == dict.fromkeys(models, 1)
    requests, results = crowd.files("requests"), crowd.files("results")
    assert sorted(request["model"] for request in requests.values()) == sorted(models)
    assert sorted(request["result"] for request in requests.values()) == sorted(results)
    assert {attempt["worker"] for request in requests.values() for attempt in request["history"]} == {
        "worker-1",
        "worker-2",
    }
    assert {len(request["history"]) for request in requests.values()} == {1}


def test_with_every_tenth_call_failing_all_is_evaluated_and_published_once(crowd: Crowd) -> None:
    models = crowd.add_models(20)
    frontends = [crowd.start_frontend("frontend")]
    worker = crowd.start_worker("worker-1")
    crowd.hub.do("strike_share", share=0.1, seed=0)
    submit(frontends, models, at_once=4)
    crowd.stop(worker)
    crowd.start_worker("worker-1")
    wait_for(lambda: all_finished(crowd, 20), seconds=180, what="20 finished requests")
    crowd.hub.do("stop_faults")
    struck = {call["fault"] for call in crowd.hub.do("calls") if call["fault"]}
    assert len(struck) == KINDS_OF_FAULTS
    requests, results = crowd.files("requests"), crowd.files("results")
    assert sorted(request["result"] for request in requests.values()) == sorted(results)
    assert len(results) == 20
    writes = crowd.hub.do("writes", type="dataset", id="acme/results")
    assert {path: writes[path] for path in results} == dict.fromkeys(results, 1)
    assert set(crowd.evaluations()) == set(models)
    assert crowd.variables["HF_TOKEN"] not in crowd.all_that_is_told(frontends)


def test_an_hour_of_sixty_evaluations_and_a_hundred_submissions_stays_under_the_limit_of_commits(
    crowd: Crowd,
) -> None:
    models = crowd.add_models(160)
    waiting, submitted = models[:60], models[60:]
    requests = {path_of(model): request_of(model) for model in waiting}
    for dataset, files in {"requests": requests, "results": {"README.md": CARD}}.items():
        crowd.hub.do("add_repository", type="dataset", id=f"acme/{dataset}", files=files)
    del crowd.variables["COMMITS_PER_HOUR"]
    random = Random(0)
    times = [word for model in submitted for word in (model, str(random.uniform(0, 3600)))]
    frontend = crowd.simulate(FRONTEND_PYTHON, "frontend", "hour_of_a_frontend.py", *times)
    worker = crowd.simulate(BACKEND_PYTHON, "backend", "hour_of_a_worker.py", "50")
    for seconds in range(0, 3600 + 120 + 1, 5):
        waited = frontend.move_to(seconds)
        begun = worker.move_to(seconds)
        if seconds == 3600:
            commits = Counter(
                call["repository"]
                for call in crowd.hub.do("calls")
                if call["route"] == "commit" and call["status"] == 200
            )
            evaluated = begun
    assert evaluated >= 60
    assert len(waited) == 100
    assert max(waited.values()) <= 120
    assert {dataset: number for dataset, number in commits.items() if number >= 120} == {}

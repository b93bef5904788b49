"""Several frontends and workers on one Hub, with faults and without: nothing is lost, nothing done twice."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from random import Random

import pytest

from local_leaderboard import Space
from support.crowds import CARD, Crowd, crowd_on_a_hub
from support.leaderboard import BACKEND_PYTHON, FRONTEND_PYTHON
from support.waiting import PATIENCE, wait_for

KINDS_OF_FAULTS = 9
AGAIN = ("Try again in a minute", "retried automatically")
"""What is told when the Hub failed, before or at the commit."""


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
            with urllib.request.urlopen(call, timeout=PATIENCE) as answer:
                [outcome] = json.load(answer)["data"]
            if outcome["ok"] or "already" in outcome["message"]:
                return
            assert any(word in outcome["message"] for word in AGAIN), outcome
        raise AssertionError(f"{models[number]} was not accepted: {outcome}")

    with ThreadPoolExecutor(at_once) as people:
        list(people.map(submit_one, range(len(models))))


def all_finished(crowd: Crowd, number: int) -> bool:
    try:
        requests = crowd.files("requests")
    except (OSError, HTTPException):  # our own calls meet faults too
        return False
    return len(requests) == number and {each["status"] for each in requests.values()} == {"FINISHED"}


@pytest.mark.slow
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


@pytest.mark.slow
def test_with_every_tenth_call_failing_all_is_evaluated_and_published_once(crowd: Crowd) -> None:
    models = crowd.add_models(20)
    frontends = [crowd.start_frontend("frontend")]
    worker = crowd.start_worker("worker-1")
    crowd.hub.do("strike_share", share=0.1, seed=0)
    crowd.hub.do("strike_next", fault="stale parent", route="commit")  # there are not always ten commits
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
    told = crowd.all_that_is_told(frontends)
    assert "evaluated" in told
    assert crowd.variables["HF_TOKEN"] not in told


@pytest.mark.slow
def test_an_hour_of_sixty_evaluations_and_a_hundred_submissions_stays_under_the_limit_of_commits(
    crowd: Crowd,
) -> None:
    models = crowd.add_models(160)
    waiting, submitted = models[:60], models[60:]
    requests = {path_of(model): request_of(model) for model in waiting}
    of_the_backend = {"README.md": CARD, ".leaderboard/backend.yaml": "tasks: []"}
    for dataset, files in {"requests": requests, "results": of_the_backend}.items():
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

"""Both Spaces as programs whose machine's clock leaps: they go on, and say so."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local_leaderboard import ROOT, Space, running
from support.leaderboard import QUICK, Datasets
from support.leaping_clock import LeapingClock, leaping_clock
from support.waiting import wait_for
from visitor import Visitor

pytestmark = pytest.mark.slow

RIGHT = timedelta()
TRAINED = "demo/adder-novice"
"""The model that the fixture `models` trains."""

OFFLINE = {"HF_HUB_OFFLINE": "1"}
"""What is not in the folder does not exist: a request for it is refused without an evaluation."""


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> LeapingClock:
    return leaping_clock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def spaces(clock: LeapingClock, data: Path) -> Iterator[dict[str, Space]]:
    with running(data, **clock.variables, **QUICK, **OFFLINE) as spaces:
        yield spaces


HELD = """
import time
from pathlib import Path

def score(doc, results):
    while Path({hold!r}).exists():
        time.sleep(0.1)
    return {{"exact_match": float(results[0] == doc["word"])}}
"""
"""Scores as the task that it is in, once a file is gone."""


def tasks_that_wait(folder: Path, hold: Path) -> Path:
    """The task `tiny_copy`, whose evaluations do not end while a file exists."""
    folder.mkdir()
    task = (ROOT / "backend" / "tasks" / "tiny_copy.yaml").read_text()
    (folder / "tiny_copy.yaml").write_text(f"{task}process_results: !function held.score\n")
    (folder / "held.py").write_text(HELD.format(hold=str(hold)))
    return folder


def result(model: str) -> str:
    config = {"model_name": model, "model_dtype": "float16", "model_sha": "c" * 40}
    return json.dumps({"config": config, "results": {"tiny_addition": {"acc,none": 0.5}}})


def health(backend: Space) -> dict[str, Any]:
    with urllib.request.urlopen(f"{backend.url}/health") as answer:
        facts: dict[str, Any] = json.load(answer)
    return facts


def logged(space: Space) -> int:
    return space.log.read_text().count("The machine's clock leapt")


def expect_both_to_work(spaces: dict[str, Space], data: Path, number: str) -> None:
    """The backend takes a request and refuses its model, the frontend shows a result, within moments."""
    datasets, visitor = Datasets(data), Visitor(spaces["frontend"].url)
    datasets.write_request(f"acme/missing-{number}", status="PENDING")
    model = f"acme/model-{number}"
    datasets.write("results", f"{model}/results_2026-01-31T12-00-00.000000.json", result(model))
    path = data / "requests" / f"acme/missing-{number}_eval_request_False_float16_Original.json"
    wait_for(lambda: '"FAILED"' in path.read_text(), what="the backend's answer")
    wait_for(lambda: any(row["Model"].count(model) for row in visitor.table()), what="the row")


def test_the_clock_of_a_program_leaps_and_its_steady_clock_does_not(clock: LeapingClock) -> None:
    clock.set_ahead(timedelta(days=2))
    program = (
        "import time, datetime; print(time.time(), datetime.datetime.now().timestamp(), time.monotonic())"
    )
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, env=clock.variables, capture_output=True, text=True, check=True)
    clock.set_ahead(RIGHT)
    wall, also, steady = map(float, ran.stdout.split())
    assert wall - time.time() == pytest.approx(2 * 86_400, abs=120)
    assert also - time.time() == pytest.approx(2 * 86_400, abs=120)
    assert time.monotonic() - steady == pytest.approx(0, abs=120)


@pytest.mark.parametrize(
    ("name", "leaps"),
    [
        ("ahead", [timedelta(days=2), RIGHT]),
        ("back", [timedelta(days=-1)]),
        ("several", [timedelta(hours=-3), timedelta(days=30), timedelta(hours=1), RIGHT]),
    ],
)
def test_both_spaces_go_on_after_each_leap_and_tell_of_it(
    spaces: dict[str, Space], clock: LeapingClock, data: Path, name: str, leaps: list[timedelta]
) -> None:
    expect_both_to_work(spaces, data, f"{name}-before")
    for number, ahead in enumerate(leaps):
        before, told = health(spaces["backend"])["last_leap_of_the_clock"], logged(spaces["frontend"])
        clock.set_ahead(ahead)
        wait_for(
            lambda before=before: health(spaces["backend"])["last_leap_of_the_clock"] != before,
            what="the leap",
        )
        wait_for(lambda told=told: logged(spaces["frontend"]) > told, what="the frontend's word")
        expect_both_to_work(spaces, data, f"{name}-{number}")
        assert health(spaces["backend"])["is_ticking"]
    assert logged(spaces["backend"]) >= len(leaps)


def test_an_evaluation_goes_on_while_the_clock_leaps_and_is_published_once(
    clock: LeapingClock, models: Path, tmp_path: Path
) -> None:
    data, hold = tmp_path / "data", tmp_path / "hold"
    data.mkdir()
    (data / "models").symlink_to(models)
    tasks = tasks_that_wait(tmp_path / "tasks", hold)
    suite = {"TASKS_DIR": str(tasks), "TASKS_HARNESS": "tiny_copy", "MAX_PARALLEL": "2"}
    clock.set_ahead(RIGHT)
    with running(data, **clock.variables, **QUICK, **OFFLINE, **suite) as spaces:
        wait_for((data / "results/.leaderboard/backend.yaml").exists, what="the trial of the suite")
        hold.touch()
        path = data / "requests" / Visitor(spaces["frontend"].url).submit(TRAINED)
        wait_for(lambda: '"RUNNING"' in path.read_text(), what="the evaluation")
        for ahead in (timedelta(days=-1), timedelta(days=2), RIGHT):
            told = health(spaces["backend"])["last_leap_of_the_clock"]
            clock.set_ahead(ahead)
            wait_for(
                lambda told=told: health(spaces["backend"])["last_leap_of_the_clock"] != told,
                what="the leap",
            )
            expect_both_to_work(spaces, data, f"{ahead.days}")
            assert health(spaces["backend"])["is_ticking"]
            assert '"RUNNING"' in path.read_text()
        hold.unlink()
        wait_for(lambda: '"FINISHED"' in path.read_text(), what="the end of the evaluation")
    request = json.loads(path.read_text())
    assert [attempt["end"] for attempt in request["history"]] == ["finished"]
    published = [file.relative_to(data / "results") for file in (data / "results").glob(f"{TRAINED}/*.json")]
    assert [str(file) for file in published] == [request["result"]]

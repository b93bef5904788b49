"""A child that looks for a token finds none; the real worker and the real child, with a task that spies."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from src.shared.data.request import Status
from src.shared.models.folder_models import folder_commit
from support.queues import Queue
from support.sources import ROOT
from support.spy.spy import MARK
from support.tiny_model import make_tiny_model
from support.unprivileged import memory_is_open, unprivileged
from support.waiting import PATIENCE

SUPPORT = ROOT / "tests" / "support"
SPY, UNHIDDEN = SUPPORT / "spy", SUPPORT / "unhidden.py"
TOKEN = "hf_decoy_write_token"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc: run it on Linux")


def found_in(output: str) -> list[str]:
    [line] = [line for line in output.splitlines() if line.startswith(MARK)]
    places: list[str] = json.loads(line.removeprefix(MARK))
    return places


def test_the_spy_finds_a_token_where_there_is_one(tmp_path: Path) -> None:
    """Without this, the test below could not fail."""
    (tmp_path / "token").write_text("hf_decoy_login")
    environment = {**os.environ, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path)}
    command = [sys.executable, str(SPY / "spy.py"), str(os.getpid())]
    spy = subprocess.run(command, env=environment, text=True, capture_output=True, check=True)
    places = found_in(spy.stdout)
    assert "environment HF_TOKEN" in places
    assert "huggingface_hub.get_token()" in places
    assert str(tmp_path / "token") in places
    assert any(place.startswith("/proc/") for place in places)


def found_by_a_child(queue: Queue, *program: str) -> list[str]:
    """Where an evaluation finds a token, under a worker that an ordinary user started with one."""
    model = queue.folder / "models" / "acme" / "tiny"
    make_tiny_model(model)
    login = queue.folder / "login"
    login.mkdir()
    (login / "token").write_text("hf_decoy_login")
    path = queue.submit("acme/tiny", precision="float32", commit=folder_commit(model))
    variables = {
        "HF_TOKEN": TOKEN,
        "HF_HOME": str(login),
        "LEADERBOARD_DATA_DIR": str(queue.folder),
        "PYTHONPATH": str(ROOT / "backend"),
        "TASKS_DIR": str(SPY),
        "TASKS_HARNESS": "spy",
        "REFRESH_RATE": "0.2",
        "TMPDIR": str(queue.folder),
    }
    worker = subprocess.run(
        unprivileged(sys.executable, *program, "-m", "src.worker", "--drain"),
        cwd="backend",
        env={**os.environ, **variables},
        text=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    request = queue.read(path)
    assert request.status is Status.FINISHED, request.message + worker.stderr
    log = (queue.folder / "results" / str(request.history[0].log)).read_text()
    assert "hf_decoy" not in worker.stdout + worker.stderr
    return found_in(log)


def test_a_child_that_looks_for_a_token_finds_none(queue: Queue) -> None:
    """Not in its environment, not in token files, not in `/proc` of the worker or of anything it started."""
    assert found_by_a_child(queue) == []


@pytest.mark.slow
def test_a_child_of_a_worker_that_hid_nothing_would_find_it_in_its_memory_and_files(queue: Queue) -> None:
    places = found_by_a_child(queue, str(UNHIDDEN))
    assert [Path(place).parts[3] for place in places] == [*(["mem"] if memory_is_open() else []), "fd"]

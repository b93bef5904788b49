"""A real evaluation child asks a server: it has one token, which it leaves nowhere."""

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from src.running.child_environment import clean_environment
from src.running.executor import ProcessExecutor
from src.running.handed_token import TOKEN_FILE, hand_token, take_token
from src.running.inference import Inference, Server
from src.running.job import (
    FAILURE_FILE,
    JOB_FILE,
    REPORT_FILE,
    End,
    Failure,
    Job,
    Work,
    read_json,
    write_json,
)
from src.running.launchers import Launcher, ProgramLauncher
from src.running.suite import Suite
from src.running.warm_launcher import WarmLauncher
from src.running.watch import ChildLimits
from src.shared.data.json_file import read_object
from src.shared.data.reports import OURS
from support.jobs import make_job
from support.openai_server import RunningServer, running_server
from support.served_jobs import on_a_server
from support.sources import ROOT
from support.spy.spy import MARK
from support.spy.spy import TOKEN as ANY_TOKEN
from support.tiny_model import make_tiny_model
from support.waiting import wait_for

NAME = "org/model@cccccccc"
TOKEN = "hf_only_for_calls"
SPY = ROOT / "tests" / "support" / "spy"
PATIENCE_SECONDS = 600


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny", max_position_embeddings=512)


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[RunningServer]:
    with running_server(model, name=NAME, token=TOKEN) as running:
        yield running


def run_a_child(job: Job, folder: Path, monkeypatch: pytest.MonkeyPatch, token: str) -> Path:
    """Run the child to its end, and return its folder."""
    monkeypatch.chdir(ROOT / "backend")
    work = folder / "job"
    work.mkdir()
    write_json(work / JOB_FILE, job)
    hand_token(work, token)
    process = ProgramLauncher(clean_environment(folder / "worker")).launch(Work.EVALUATE, work)
    try:
        process.wait(PATIENCE_SECONDS)
    finally:
        process.kill()
        process.close()
    return work


def job_on(server: RunningServer, model: Path) -> Job:
    return make_job(
        model,
        limit=5,
        inference=Inference.SERVER,
        server=Server(url=server.url, model=NAME, is_exact=True),
        most_empty=1.0,
        save_samples=True,
    )


def files_with_the_token(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


@pytest.mark.slow
def test_a_child_over_a_server_leaves_its_token_nowhere(
    server: RunningServer, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = run_a_child(job_on(server, model), tmp_path, monkeypatch, TOKEN)
    report = read_object((work / REPORT_FILE).read_bytes())
    assert set(make_job(model).tasks) <= report["results"].keys()
    assert report[OURS]["served"]["address"] == server.url
    assert {call["token"] for call in server.seen()} == {TOKEN}
    assert files_with_the_token(tmp_path) == []


@pytest.mark.slow
def test_a_child_whose_token_may_not_call_names_no_token(
    server: RunningServer, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = run_a_child(job_on(server, model), tmp_path, monkeypatch, f"{TOKEN}_of_another")
    failure = read_json(work / FAILURE_FILE, Failure)
    assert failure
    assert failure.end is End.WORKER
    assert "INFERENCE_TOKEN" in failure.message
    assert files_with_the_token(tmp_path) == []


def test_a_token_is_handed_over_once_in_a_file_for_this_user_only(tmp_path: Path) -> None:
    for token in ("hf_of_an_attempt_that_did_not_begin", TOKEN):
        hand_token(tmp_path, token)
    assert (tmp_path / TOKEN_FILE).stat().st_mode & 0o777 == 0o600
    assert take_token(tmp_path) == TOKEN
    assert list(tmp_path.iterdir()) == []
    assert take_token(tmp_path) is None


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc: run it on Linux")
@pytest.mark.parametrize("kind", ["program", "fork"])
def test_a_child_over_a_server_that_looks_for_its_token_finds_none(
    kind: str, server: RunningServer, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in the environment with which it or its parent began, which `/proc` shows, and in no file."""
    monkeypatch.chdir(ROOT / "backend")
    spies = shutil.copytree(SPY, tmp_path / "spies")
    code = (SPY / "spy.py").read_text()
    (spies / "spy.py").write_text(code.replace(ANY_TOKEN.decode(), TOKEN))  # others may run with other tokens
    job = replace(on_a_server(make_job(model, limit=1), server), tasks=("spy",), tasks_dir=str(spies))
    worker = tmp_path / "worker"
    launcher: Launcher = ProgramLauncher(clean_environment(worker))
    if kind == "fork":
        suite = Suite(tasks=job.tasks, tasks_dir=job.tasks_dir)
        launcher = WarmLauncher(clean_environment(worker), suite, worker)
    limits = ChildLimits(timedelta(seconds=PATIENCE_SECONDS))
    executor = ProcessExecutor(worker, limits=limits, launcher=launcher, inference_token=TOKEN)
    before = len(server.seen())
    try:
        executor.start("nonce", job)
        ending = wait_for(lambda: executor.endings().get("nonce"), what="its end", seconds=PATIENCE_SECONDS)
    finally:
        executor.close()
        launcher.close()
    assert ending.end is End.FINISHED, ending
    assert {call["token"] for call in server.seen()[before:]} == {TOKEN}
    [line] = [line for line in ending.log.decode().splitlines() if line.startswith(MARK)]
    places = json.loads(line.removeprefix(MARK))
    of_the_server = f"/proc/{server.process.pid}/environ"  # which has to know it, of course
    assert [each for each in places if each != of_the_server] == []
    assert files_with_the_token(worker) == []


def test_a_model_without_a_server_gets_no_token(tmp_path: Path) -> None:
    """What its folder holds at the start is written into its log."""
    command = ("/bin/sh", "-c", 'ls "$2"', "child")
    launcher = ProgramLauncher(clean_environment(tmp_path), command)
    limits = ChildLimits(timedelta(seconds=60))
    executor = ProcessExecutor(tmp_path, limits=limits, launcher=launcher, inference_token=TOKEN)
    here = Job(model="acme/a", weights="a", commit=None, precision="float32", tasks=("a",), tasks_dir="tasks")
    there = replace(here, server=Server(url="https://here/v1", model="acme/a"))
    logs = {}
    for nonce, job in {"here": here, "there": there}.items():
        executor.start(nonce, job)
        ending = wait_for(lambda nonce=nonce: executor.endings().get(nonce), what="its end")
        logs[nonce] = ending.log.decode().split()
    executor.close()
    assert JOB_FILE in logs["here"]
    assert TOKEN_FILE not in logs["here"]
    assert TOKEN_FILE in logs["there"]

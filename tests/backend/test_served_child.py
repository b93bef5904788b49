"""A real evaluation child asks a server: it has one token, which it leaves nowhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from src.running.child_environment import clean_environment
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
from src.running.launchers import ProgramLauncher
from src.shared.data.json_file import read_object
from src.shared.data.reports import OURS
from support.jobs import make_job
from support.openai_server import RunningServer, running_server
from support.sources import ROOT
from support.tiny_model import make_tiny_model

NAME = "org/model@cccccccc"
TOKEN = "hf_only_for_calls"
PATIENCE_SECONDS = 300


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
    environment = clean_environment(folder / "worker", inference_token=token)
    process = ProgramLauncher(environment).launch(Work.EVALUATE, work)
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

"""The evaluation child as the worker sees it: a process that leaves a report, a refusal, or neither."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from src.job import (
    JOB_FILE,
    LOG_FILE,
    PROGRESS_FILE,
    REFUSAL_FILE,
    REPORT_FILE,
    Job,
    Progress,
    Refusal,
    read_json,
    write_json,
)
from support import direct_evaluation
from support.broken_models import diverge, reweighted
from support.jobs import TASKS, make_job
from support.sources import ROOT
from support.tiny_model import make_tiny_model
from support.waiting import wait_for


@dataclass(frozen=True)
class Child:
    """A running child and its folder."""

    process: subprocess.Popen[bytes]
    folder: Path

    def log(self) -> str:
        return (self.folder / LOG_FILE).read_text()


Start = Callable[[Job | None], Child]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a child as the worker does."""
    children: list[Child] = []

    def start(job: Job | None) -> Child:
        folder = tmp_path / "evaluation"
        folder.mkdir()
        if job:
            write_json(folder / JOB_FILE, job)
        with (folder / LOG_FILE).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "src.evaluation", str(folder)],
                cwd=ROOT / "backend",
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        children.append(Child(process, folder))
        return children[-1]

    yield start
    for child in children:
        with child.process:
            child.process.kill()


def evaluate_directly(model: Path, *tasks: str) -> dict[str, Any]:
    command = [sys.executable, direct_evaluation.__file__, str(model), str(TASKS), *tasks]
    done = subprocess.run(command, cwd=ROOT / "backend", stdout=subprocess.PIPE, check=True)
    results: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return results


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "models" / "good")


def test_the_report_has_the_scores_that_lm_eval_computes_when_called_directly(
    model: Path, start: Start
) -> None:
    child = start(make_job(model))
    told = wait_for(lambda: read_json(child.folder / PROGRESS_FILE, Progress), what="progress")
    assert told.task in make_job(model).tasks
    direct = evaluate_directly(model, *make_job(model).tasks)
    assert child.process.wait(120) == 0, child.log()
    report = json.loads((child.folder / REPORT_FILE).read_text())
    assert report["results"] == direct
    assert read_json(child.folder / PROGRESS_FILE, Progress) == Progress("tiny_copy", 100, 100)
    assert not (child.folder / REFUSAL_FILE).exists()


def test_a_model_of_nan_is_refused_and_gets_no_report(model: Path, start: Start) -> None:
    reweighted(diverge)(model)
    child = start(make_job(model))
    assert child.process.wait(120) == 1, child.log()
    refusal = read_json(child.folder / REFUSAL_FILE, Refusal)
    assert refusal
    assert "org/model" in refusal.message
    assert "NaN" in refusal.message
    assert not (child.folder / REPORT_FILE).exists()
    assert "Traceback" in child.log()


def test_an_error_that_nobody_foresaw_leaves_its_traceback_in_the_log(model: Path, start: Start) -> None:
    child = start(make_job(model, device="meter:0"))
    assert child.process.wait(120) == 1
    assert "RuntimeError" in child.log()
    assert not (child.folder / REFUSAL_FILE).exists()


def test_the_child_dies_when_its_worker_is_gone(model: Path, start: Start) -> None:
    child = start(make_job(model))
    assert child.process.stdin
    child.process.stdin.close()
    assert child.process.wait(60) == -signal.SIGKILL


def test_a_child_without_a_job_ends_with_an_error(start: Start) -> None:
    child = start(None)
    assert child.process.wait(60) == 1
    assert "found no job to run" in child.log()

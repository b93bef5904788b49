"""The evaluation child with lighteval, as the worker starts it: a fork of a warm parent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from src.running.child_environment import clean_environment
from src.running.executor import ProcessExecutor
from src.running.job import End, Ending, Job, Work
from src.running.launchers import Launcher
from src.running.suite import EngineName, Suite
from src.running.warm_launcher import WarmLauncher
from src.running.watch import ChildLimits
from src.suite.trial import trial_from
from support.broken_models import diverge, forget_a_layer, reweighted, with_code_that_says_so
from support.jobs import TASKS
from support.lighteval_jobs import SHIPPED, lighteval_job, report_of
from support.openai_server import running_server
from support.served_jobs import on_a_server
from support.waiting import wait_for

WITH_A_HELPER = """
import sys
from pathlib import Path
from lighteval.metrics.metrics import Metrics
from lighteval.tasks.lighteval_task import LightevalTaskConfig
sys.path.insert(0, str(Path(__file__).parent))
from helper_of_the_tasks import VERSION
METRICS = [Metrics.loglikelihood_acc]
TASKS_TABLE = [LightevalTaskConfig("mine", lambda row, task: None, "org/data", "x", METRICS, version=VERSION)]
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a task file and code beside it."""
    folder = tmp_path_factory.mktemp("own") / "tasks"
    folder.mkdir()
    (folder / "own.py").write_text(WITH_A_HELPER)
    (folder / "helper_of_the_tasks.py").write_text("VERSION = 1\n")
    return folder


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory, own: Path) -> Iterator[Launcher]:
    folder = tmp_path_factory.mktemp("warm")
    suite = Suite(engine=EngineName.LIGHTEVAL, tasks=SHIPPED, tasks_dir=str(own))
    launcher = WarmLauncher(clean_environment(folder), suite, folder)
    yield launcher
    launcher.close()


@dataclass(frozen=True)
class Children:
    """Starts children, and tells how they ended."""

    folder: Path
    launcher: Launcher
    work: Work = Work.EVALUATE
    token: str | None = None

    def start(self, job: Job, name: str = "job") -> ProcessExecutor:
        executor = ProcessExecutor(
            self.folder,
            limits=ChildLimits(timedelta(minutes=5)),
            launcher=self.launcher,
            work=self.work,
            inference_token=self.token,
        )
        executor.start(name, job)
        return executor

    def end(self, job: Job, name: str = "job") -> Ending:
        executor = self.start(job, name)
        ending: Ending = wait_for(lambda: executor.endings().get(name), what="the end")
        executor.close()
        return ending


@pytest.fixture
def children(tmp_path: Path, warm: Launcher) -> Children:
    return Children(tmp_path / "children", warm)


def report(ending: Ending) -> dict[str, Any]:
    assert ending.end is End.FINISHED, ending.log.decode()
    return dict(ending.report or {})


def test_an_attempt_goes_on_where_one_was_killed(children: Children, model: Path) -> None:
    job = lighteval_job(model)
    killed = children.start(job, "killed")
    first, *_, last = (task.replace("|", "%7C") for task in SHIPPED)
    wait_for(lambda: list(children.folder.glob(f"kept/*/{first}.json")), what="a finished task")
    killed.close()
    assert not list(children.folder.glob(f"kept/*/{last}.json")), "it was killed too late"
    resumed = children.end(job, "resumed")
    log = resumed.log.decode()
    assert f"reused the report of org/model on {SHIPPED[0]} from an earlier attempt" in log
    assert f"evaluated org/model on {SHIPPED[0]}" not in log
    assert f"evaluated org/model on {SHIPPED[-1]}" in log
    whole = report_of(lighteval_job(model))
    assert report(resumed)["results"] == whole["results"]
    assert report(resumed)["summary_general"] == whole["summary_general"]


BROKEN = {
    "NaN": (reweighted(diverge), "model.norm.weight contains NaN"),
    "missing weights": (reweighted(forget_a_layer), "1 are missing or have another shape"),
    "remote code": (with_code_that_says_so, "code of its own, which is not run"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_model_ends_the_attempt_with_the_reason(children: Children, model: Path, name: str) -> None:
    spoil, reason = BROKEN[name]
    spoil(model)
    ending = children.end(lighteval_job(model))
    assert ending.end is End.REFUSED
    assert reason in ending.message
    assert not (model / "code was run").exists()


def test_a_suite_is_tried_and_described_in_a_child(tmp_path: Path, warm: Launcher, model: Path) -> None:
    job = lighteval_job(model, "tiny_copy|0", "no_such_task|0")
    tried = trial_from(Children(tmp_path / "try", warm, Work.TRY).end(job).report)
    assert tried
    [problem] = tried.description.problems
    assert problem.startswith("The task no_such_task is neither")
    described = Children(tmp_path / "describe", warm, Work.DESCRIBE).end(job)
    assert [task["name"] for task in report(described)["tasks"]] == ["tiny_copy|0"]


def test_code_beside_a_task_file_is_read_again_after_an_edit(
    tmp_path: Path, warm: Launcher, own: Path
) -> None:
    """The warm parent had imported it, and reports were kept under the new content."""
    job = lighteval_job("none", "mine|0", tasks_dir=str(own))

    def version() -> object:
        [task] = report(Children(tmp_path / "describe", warm, Work.DESCRIBE).end(job))["tasks"]
        return task["version"]

    assert version() == "1"
    (own / "helper_of_the_tasks.py").write_text("VERSION = 2000\n")  # another size: Python compares it
    assert version() == "2000"


@pytest.mark.slow
def test_a_child_asks_a_server_with_the_only_token_that_it_has(tmp_path: Path, model: Path) -> None:
    suite = Suite(engine=EngineName.LIGHTEVAL, tasks=SHIPPED, tasks_dir=str(TASKS))
    launcher = WarmLauncher(clean_environment(tmp_path), suite, tmp_path)
    job = lighteval_job(model, "tiny_agreement|0", "tiny_copy|0", limit=5)
    try:
        with running_server(model, token="hf_calls") as server:
            children = Children(tmp_path / "children", launcher, token="hf_calls")
            ending = children.end(on_a_server(job, server))
            seen = server.seen()
    finally:
        launcher.close()
    assert report(ending)["results"] == report_of(job)["results"]
    assert {call["token"] for call in seen} == {"hf_calls"}
    assert "hf_calls" not in ending.log.decode() + json.dumps(report(ending))

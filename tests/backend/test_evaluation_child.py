"""The evaluation child as the worker sees it: a process that leaves a report, a failure, or neither."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from src.running import launchers
from src.running.child_environment import clean_environment
from src.running.job import (
    BEGUN_FILE,
    FAILURE_FILE,
    JOB_FILE,
    LOG_FILE,
    PROGRESS_FILE,
    REPORT_FILE,
    End,
    Failure,
    Job,
    Progress,
    Work,
    read_json,
    write_json,
)
from src.running.launchers import Launcher, ProgramLauncher
from src.running.suite import EngineName
from support import direct_evaluation, fake_kernels
from support.broken_models import diverge, edited, reweighted
from support.jobs import TASKS, make_job
from support.sources import ROOT
from support.tiny_model import make_tiny_model
from support.waiting import PATIENCE, wait_for


@dataclass(frozen=True)
class Child:
    """A running child and its folder."""

    process: launchers.Child
    folder: Path

    def log(self) -> str:
        return (self.folder / LOG_FILE).read_text()

    def report(self) -> dict[str, Any]:
        assert self.process.wait(PATIENCE) == 0, self.log()
        report: dict[str, Any] = json.loads((self.folder / REPORT_FILE).read_text())
        return report

    def failure(self) -> Failure:
        assert self.process.wait(PATIENCE) == 1, self.log()
        assert not (self.folder / REPORT_FILE).exists()
        failure = read_json(self.folder / FAILURE_FILE, Failure)
        assert failure, self.log()
        return failure


class Start(Protocol):
    """Start a child as the worker does; `spoil` is done to its folder first."""

    def __call__(self, job: Job | None, spoil: Callable[[Path], object] = ...) -> Child: ...


@contextmanager
def starting(launcher: Launcher, jobs: Path) -> Iterator[Start]:
    children: list[Child] = []

    def start(job: Job | None, spoil: Callable[[Path], object] = lambda folder: None) -> Child:
        folder = jobs / str(len(children))
        folder.mkdir(parents=True)
        if job:
            write_json(folder / JOB_FILE, job)
        spoil(folder)
        children.append(Child(launcher.launch(Work.EVALUATE, folder), folder))
        return children[-1]

    yield start
    for child in children:
        child.process.kill()
        child.process.wait(PATIENCE)
        child.process.close()


@pytest.fixture
def start(tmp_path: Path, warm: Launcher) -> Iterator[Start]:
    """Starts children as forks of a warm parent."""
    with chdir(ROOT / "backend"), starting(warm, tmp_path / "jobs") as start:
        yield start


@pytest.fixture
def start_program(tmp_path: Path) -> Iterator[Start]:
    """Starts children as programs of their own."""
    environment = clean_environment(tmp_path / "worker") | {"PYTHONPATH": str(tmp_path)}
    with chdir(ROOT / "backend"), starting(ProgramLauncher(environment), tmp_path / "jobs") as start:
        yield start


def evaluate_directly(model: Path, *tasks: str) -> dict[str, Any]:
    command = [sys.executable, direct_evaluation.__file__, str(model), str(TASKS), *tasks]
    done = subprocess.run(command, cwd=ROOT / "backend", stdout=subprocess.PIPE, check=True)
    results: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return results


TIMES = {"date", "total_evaluation_time_seconds"}
ALLOWED = "HF_ALLOW_CODE_EVAL"
NOBODY = 9
"""A port on which nobody listens."""


@dataclass(frozen=True)
class Own:
    """A folder of tasks that are made from a shipped one, by replacing parts of its file."""

    folder: Path

    def __call__(self, name: str, *changes: tuple[str, str], more: str = "") -> None:
        text = (TASKS / "tiny_copy.yaml").read_text()
        for old, new in (("task: tiny_copy", f"task: {name}"), *changes):
            assert old in text
            text = text.replace(old, new)
        (self.folder / f"{name}.yaml").write_text(text + more)


@pytest.fixture
def own(tmp_path: Path) -> Own:
    folder = tmp_path / "tasks"
    folder.mkdir()
    return Own(folder)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "models" / "good")


@pytest.mark.slow
def test_the_report_has_the_scores_that_lm_eval_computes_when_called_directly(
    model: Path, start_program: Start
) -> None:
    child = start_program(make_job(model))
    progress = wait_for(lambda: read_json(child.folder / PROGRESS_FILE, Progress), what="progress")
    assert progress.task in make_job(model).tasks
    direct = evaluate_directly(model, *make_job(model).tasks)
    report = child.report()
    assert report["results"] == direct
    assert read_json(child.folder / PROGRESS_FILE, Progress) == Progress("tiny_copy", 100, 100)
    assert not (child.folder / FAILURE_FILE).exists()


def test_an_attempt_goes_on_where_one_was_killed(model: Path, start: Start, tmp_path: Path) -> None:
    job = make_job(model, kept_tasks=str(tmp_path / "kept"))
    first, *others = job.tasks
    killed = start(job)
    wait_for(lambda: list(tmp_path.glob(f"kept/*/{first}.json")), what="a finished task")
    killed.process.kill()
    killed.process.wait(PATIENCE)
    assert not list(tmp_path.glob(f"kept/*/{others[-1]}.json")), "it was killed too late"
    child, uninterrupted = start(job), start(make_job(model))
    assert without_times(child.report()) == without_times(uninterrupted.report())
    assert f"reused the report of org/model on {first} from an earlier attempt" in child.log()
    assert f"evaluated org/model on {first}" not in child.log()
    assert f"evaluated org/model on {others[-1]}" in child.log()


def without_times(report: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in report.items() if key not in TIMES}


def test_a_model_of_nan_is_refused_and_gets_no_report(model: Path, start: Start) -> None:
    reweighted(diverge)(model)
    child = start(make_job(model))
    failure = child.failure()
    assert failure.end is End.REFUSED
    assert "org/model" in failure.message
    assert "NaN" in failure.message
    assert "Traceback" in child.log()


def test_a_disk_without_room_for_the_report_is_reported(model: Path, start: Start) -> None:
    child = start(make_job(model, tasks=("tiny_copy",), limit=2), full_for(REPORT_FILE))
    assert child.failure().end is End.DISK_FULL


def full_for(file: str) -> Callable[[Path], None]:
    """Make one of the child's files such that there is no room for it."""
    return lambda folder: (folder / f"{file}.part").symlink_to("/dev/full")


def test_a_site_without_the_questions_is_reported(model: Path, start: Start, own: Own) -> None:
    own("web", ("tasks/tiny_copy.jsonl", f"http://127.0.0.1:{NOBODY}/questions.jsonl"))
    failure = start(make_job(model, tasks=("web",), tasks_dir=str(own.folder))).failure()
    assert failure.end is End.UNREACHABLE
    assert "The questions of the task web are on a site that did not answer" in failure.message


def test_memory_that_runs_out_is_reported(model: Path, start: Start, own: Own) -> None:
    own("greedy", ('"Repeat: {{word}}\\n"', "!function greedy.text"))
    (own.folder / "greedy.py").write_text(
        "import torch\n\n\ndef text(doc):\n    return str(torch.empty(10**15))\n"
    )
    failure = start(make_job(model, tasks=("greedy",), tasks_dir=str(own.folder))).failure()
    assert failure.end is End.OUT_OF_MEMORY
    assert failure.message.startswith("org/model needs more memory than this worker has")


def test_what_scores_the_models_code_finds_itself_allowed_to(model: Path, start: Start, own: Own) -> None:
    own("code", more="unsafe_code: true\nprocess_docs: !function code.docs\n")
    (own.folder / "code.py").write_text(
        f"import os\n\nos.environ[{ALLOWED!r}]\n\n\ndef docs(docs):\n    return docs\n"
    )
    job = make_job(model, tasks=("code",), tasks_dir=str(own.folder), limit=2, confirm_run_unsafe_code=True)
    assert ALLOWED not in os.environ
    assert start(job).report()["n-samples"]["code"]["effective"] == 2


def test_an_error_that_nobody_foresaw_is_reported_as_such_and_leaves_its_traceback_in_the_log(
    model: Path, start: Start, own: Own
) -> None:
    own("broken", more="process_results: !function broken.score\n")
    (own.folder / "broken.py").write_text("def score(doc, results):\n    1 / 0\n")
    child = start(make_job(model, tasks=("broken",), tasks_dir=str(own.folder), limit=2))
    assert child.process.wait(PATIENCE) == 1
    assert "ZeroDivisionError" in child.log()
    failure = child.failure()
    assert failure.end is End.CRASHED
    assert "an unexpected error (ZeroDivisionError: division by zero)" in failure.message
    assert (child.folder / BEGUN_FILE).exists()


def test_a_task_that_cannot_be_put_together_is_the_workers_to_mend(
    model: Path, start: Start, own: Own
) -> None:
    failure = start(broken_task(model, own, "assert False, 'a text is too long'")).failure()
    assert failure.end is End.WORKER
    assert failure.message.startswith("The task broken cannot be built. The leaderboard's owner has to")


def broken_task(model: Path, own: Own, statement: str) -> Job:
    """A task that makes its questions with this statement."""
    own("broken", ('"Repeat: {{word}}\\n"', "!function broken.text"))
    (own.folder / "broken.py").write_text(f"def text(doc):\n    {statement}\n")
    return make_job(model, tasks=("broken",), tasks_dir=str(own.folder))


def test_a_device_that_is_not_there_is_the_workers_fault(model: Path, start: Start, tmp_path: Path) -> None:
    for device in ("meter:0", "cuda:77"):
        child = start(make_job(model, device=device, kept_tasks=str(tmp_path / "kept")))
        failure = child.failure()
        assert failure.end is End.WORKER
        assert failure.message.startswith(f"This worker has no device {device}, or cannot use it.")
        assert "Traceback" in child.log()


def test_a_package_that_a_task_needs_is_the_workers_to_have(model: Path, start: Start, own: Own) -> None:
    failure = start(broken_task(model, own, "import a_package_that_nobody_has")).failure()
    assert failure.end is End.WORKER
    assert failure.message.startswith(
        "The task broken needs a Python package that this worker does not have."
    )


def test_a_worker_without_its_packages_says_which_and_does_not_blame_the_model(
    start_program: Start, tmp_path: Path
) -> None:
    (tmp_path / "lm_eval.py").write_text("import a_package_that_nobody_has")
    child = start_program(make_job("org/model"))
    failure = child.failure()
    assert failure.end is End.WORKER
    assert failure.message.startswith("The worker cannot import a_package_that_nobody_has (No module named")
    assert "Traceback" in child.log()
    assert not (child.folder / BEGUN_FILE).exists()


def test_an_engine_that_is_not_installed_is_named_with_the_setting_that_chose_it(
    start_program: Start,
) -> None:
    child = start_program(make_job("org/model", engine=EngineName.LIGHTEVAL, tasks=("tiny_copy|0",)))
    failure = child.failure()
    assert failure.end is End.WORKER
    assert "cannot import lighteval (No module named 'lighteval')" in failure.message
    assert "change ENGINE, which is lighteval (docs/engines.md)" in failure.message
    assert not (child.folder / BEGUN_FILE).exists()


@pytest.mark.slow
def test_a_package_that_runs_code_from_the_hub_is_not_even_imported(
    model: Path, start_program: Start, tmp_path: Path
) -> None:
    fake_kernels.install(tmp_path)
    assert start_program(make_job(model, tasks=("tiny_copy",), limit=2)).report()
    assert fake_kernels.notes(tmp_path) == set()


def test_a_model_that_names_code_from_elsewhere_is_refused(model: Path, start: Start) -> None:
    edited("config.json", attn_implementation="someone/kernel")(model)
    failure = start(make_job(model)).failure()
    assert failure.end is End.REFUSED
    assert "sets `attn_implementation` to 'someone/kernel'" in failure.message


def test_infinite_weights_are_refused_where_only_writing_is_asked(model: Path, start: Start) -> None:
    def overflow(weights: dict[str, Any]) -> None:
        weights["model.norm.weight"][0] = float("inf")

    reweighted(overflow)(model)
    failure = start(make_job(model, tasks=("tiny_copy",))).failure()
    assert failure.end is End.REFUSED
    assert "model.norm.weight contains infinity" in failure.message


def test_a_task_that_is_named_twice_is_the_owners_to_mend(model: Path, start: Start, own: Own) -> None:
    own("copy", more="tag: copies\n")
    suite: dict[str, Any] = {"tasks": ("copy", "copies"), "fewshot_by_task": {"copy": 3, "copies": 1}}
    failure = start(make_job(model, tasks_dir=str(own.folder), **suite)).failure()
    assert failure.end is End.WORKER
    assert failure.message.startswith("TASKS_HARNESS names the task copy twice")
    assert failure.message.endswith("the model is not at fault.")


def test_addresses_that_are_fetched_are_not_logged(model: Path, start: Start, own: Own) -> None:
    names = ("httpx", "urllib3.connectionpool", "filelock", "fsspec.http", "another")
    each = f"[logging.getLogger(name).info('said by %s', name) for name in {names}]"
    child = start(broken_task(model, own, f"import logging; {each}; 1 / 0"))
    assert child.process.wait(PATIENCE) == 1
    assert set(re.findall(r"said by ([a-z]\S*)", child.log())) == {"another"}


def test_the_child_dies_when_its_worker_is_gone(model: Path, start_program: Start) -> None:
    child = start_program(make_job(model))
    child.process.close()
    assert child.process.wait(PATIENCE) == -signal.SIGKILL


def test_a_child_without_a_job_ends_with_an_error(start_program: Start) -> None:
    child = start_program(None)
    assert child.process.wait(PATIENCE) == 1
    assert "found no job to run" in child.log()

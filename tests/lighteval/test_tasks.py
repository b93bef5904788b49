"""How tasks are found: lighteval's own, imported without a download, and those of the leaderboard."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from src.evaluation.lighteval.tasks import COLLECTION, find_tasks, task_files
from src.running.suite import EngineName, Suite
from support.jobs import TASKS
from support.sources import ROOT

TABLE = """
from lighteval.metrics.metrics import Metrics
from lighteval.tasks.lighteval_task import LightevalTaskConfig
METRICS = [Metrics.loglikelihood_acc]
TASKS_TABLE = [LightevalTaskConfig("{name}", lambda row, task: None, "org/data", "x", METRICS)]
"""


def suite(folder: Path = TASKS, *tasks: str) -> Suite:
    return Suite(engine=EngineName.LIGHTEVAL, tasks=tasks or ("tiny_copy|0",), tasks_dir=str(folder))


def test_lightevals_tasks_and_ours_are_found_with_their_files() -> None:
    tasks = find_tasks(suite())
    assert tasks.problems == ()
    assert {"arc:challenge", "mmlu:anatomy", "tiny_copy"} <= tasks.configs.keys()
    assert tasks.files["tiny_copy"] == TASKS / "tiny_lighteval.py"
    assert tasks.files["arc:challenge"] == COLLECTION / "arc.py"


def test_a_name_stands_for_all_its_subsets() -> None:
    tasks = find_tasks(suite())
    assert tasks.parts("tiny_copy") == ["tiny_copy"]
    assert tasks.parts("arc") == ["arc:challenge", "arc:easy"]
    assert len(tasks.parts("mmlu")) == 57


def test_the_tasks_that_need_a_pickle_are_not_imported_and_refused() -> None:
    tasks = find_tasks(suite())
    assert not [name for name in tasks.configs if name.startswith("tiny:")]
    assert "needs a pickle from GitHub, which is not loaded here" in str(tasks.missing("tiny:gsm8k"))
    assert not (COLLECTION / "tinyBenchmarks.pkl").exists()


IMPORTS = """
import socket, sys
asked = []
def refuse(*args, **settings):
    asked.append(args)
    raise ConnectionRefusedError
socket.socket.connect = socket.getaddrinfo = refuse
from src.evaluation.lighteval.imports import importing_tasks
from lighteval.tasks.registry import Registry
with importing_tasks():
    configs = Registry.load_all_task_configs()
assert len(configs) > 600, len(configs)
assert not asked, asked
socket.getaddrinfo is refuse or sys.exit("what was there before is not restored")
import threading
assert threading.active_count() == 1, threading.enumerate()
"""


@pytest.mark.slow
def test_importing_all_tasks_connects_to_nothing_and_leaves_no_thread(tmp_path: Path) -> None:
    """A fork of a process with threads may hang. The worker's warm parent imports all tasks."""
    command = [sys.executable, "-W", "ignore", "-c", IMPORTS]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "backend"), "HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert list(tmp_path.rglob("*.pkl")) == []


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """An empty folder of tasks."""
    (tmp_path / "tasks").mkdir()
    return tmp_path / "tasks"


def test_a_task_with_a_name_of_lightevals_or_of_another_file_is_reported(own: Path) -> None:
    (own / "first.py").write_text(TABLE.format(name="mine"))
    (own / "second.py").write_text(TABLE.format(name="mine"))
    (own / "third.py").write_text(TABLE.format(name="gsm8k"))
    tasks = find_tasks(suite(own))
    assert tasks.problems == (
        "The task mine is defined twice, in tasks/first.py and in tasks/second.py: rename the one in the "
        "tasks folder.",
        "The task gsm8k is defined twice, in lighteval/tasks/gsm8k.py and in tasks/third.py: rename the one "
        "in the tasks folder.",
    )
    assert tasks.files["mine"] == own / "first.py"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("\nTASKS_TABLE = [", r"tasks/own\.py, line 2, cannot be read \(SyntaxError: '\[' was never closed"),
        ("import no_such\nTASKS_TABLE = []", r"tasks/own\.py, line 1, cannot be read \(ModuleNotFoundError"),
        ("TASKS_TABLE = None", r"tasks/own\.py, cannot be read \(TypeError"),
        ("import sys\nsys.exit(1)\nTASKS_TABLE = []", r"tasks/own\.py, line 2, cannot be read \(SystemExit"),
    ],
    ids=["syntax", "import", "no list", "exit"],
)
def test_a_file_that_cannot_be_read_is_named_with_the_line(own: Path, text: str, sentence: str) -> None:
    (own / "own.py").write_text(text)
    [problem] = find_tasks(suite(own)).problems
    assert re.search(sentence, problem), problem
    assert str(own) not in problem


def test_code_for_lm_evals_tasks_is_left_alone(own: Path) -> None:
    (own / "utils.py").write_text("import lm_eval\n")
    assert task_files(own) == []
    assert find_tasks(suite(own)).problems == ()

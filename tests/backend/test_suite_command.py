"""`python -m src.suite` tries the suite and reports the outcome; a real worker does so automatically."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from src.shared.data.backend_description import BackendDescription, read_description
from src.shared.data.names import BACKEND_DESCRIPTION
from src.shared.data.request import Status
from src.shared.errors import BadFile
from src.suite.__main__ import try_here
from support.queues import Queue
from support.tiny_model import make_tiny_model
from support.waiting import PATIENCE, wait_for

BACKEND = Path("backend").resolve()


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """The shipped tasks in a folder of their own; their questions stay where they are."""
    folder = tmp_path / "own tasks"
    shutil.copytree(BACKEND / "tasks", folder, ignore=shutil.ignore_patterns("*.jsonl", "README.md"))
    return folder


def environment(folder: Path, tasks: Path, **more: str) -> dict[str, str]:
    names = {"TASKS_DIR": str(tasks), "TASKS_HARNESS": "tiny_copy", "TMPDIR": str(folder)}
    return {**os.environ, "HF_HUB_OFFLINE": "1", **names, **more}


def test_asked_for_help_it_tries_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["suite", "--help"])
    with pytest.raises(SystemExit, match="0"):
        try_here()
    assert "try the suite once" in capsys.readouterr().out


def break_the_task(tasks: Path) -> str:
    """Misspell a field, and return the sentence that says so."""
    file = tasks / "tiny_copy.yaml"
    text = file.read_text()
    file.write_text(text.replace("{{word}}", "{{wrod}}", 1))
    line = text[: text.index("{{word}}")].count("\n") + 1
    place = f"{tasks.name}/tiny_copy.yaml, line {line}, `doc_to_text`"
    return (
        "The task tiny_copy uses the field `wrod`, which its questions do not have (did you mean `word`?) "
        f"({place}): correct it."
    )


def run(folder: Path, tasks: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "src.suite"],
        cwd=BACKEND,
        env=environment(folder, tasks, **more),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.slow
def test_the_command_exits_with_0_without_problems(tmp_path: Path, tasks: Path) -> None:
    done = run(tmp_path, tasks, TASKS_HARNESS="tiny_addition, tiny_agreement, tiny_copy|2")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "The suite has no problems: tiny_addition, tiny_agreement, tiny_copy.\n"


@pytest.mark.slow
def test_the_command_exits_with_1_and_the_sentence_of_each_problem(tmp_path: Path, tasks: Path) -> None:
    sentence = break_the_task(tasks)
    done = run(tmp_path, tasks, TASKS_HARNESS="tiny_copy, tiny_additoin")
    assert done.returncode == 1, done.stderr
    nowhere, broken = done.stdout.splitlines()
    assert nowhere.startswith("The task tiny_additoin is neither in")
    assert nowhere.endswith("Did you mean tiny_addition?")
    assert broken == sentence


def test_the_command_exits_with_2_for_a_mistake_in_the_settings(tmp_path: Path, tasks: Path) -> None:
    done = run(tmp_path, tasks, BATCH_SIZE="big")
    assert done.returncode == 2
    assert "BATCH_SIZE is 'big'" in done.stdout + done.stderr


def description(queue: Queue) -> BackendDescription | None:
    try:
        return read_description((queue.folder / "results" / BACKEND_DESCRIPTION).read_bytes())
    except (OSError, BadFile):
        return None


@pytest.mark.slow
def test_a_worker_with_a_broken_task_claims_nothing_until_the_file_is_fixed(
    queue: Queue, tasks: Path
) -> None:
    make_tiny_model(queue.folder / "models" / "acme" / "tiny")
    path = queue.submit("acme/tiny", commit=None, precision="float32")
    good = (tasks / "tiny_copy.yaml").read_text()
    sentence = break_the_task(tasks)
    variables = {"LEADERBOARD_DATA_DIR": str(queue.folder), "REFRESH_RATE": "0.2", "LIMIT": "4"}
    with subprocess.Popen(
        [sys.executable, "-m", "src.worker"],
        cwd=BACKEND,
        env=environment(queue.folder.parent, tasks, **variables),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as worker:
        try:
            found = wait_for(lambda: description(queue), what="the description")
            assert found.problems == (sentence,)
            assert found.tried is None
            assert queue.read(path).status is Status.PENDING
            (tasks / "tiny_copy.yaml").write_text(good)
            wait_for(lambda: queue.read(path).status is Status.FINISHED, what="the evaluation")
            fixed = wait_for(lambda: description(queue), what="the description")
            assert fixed.problems == ()
            assert re.fullmatch("[0-9a-f]{64}", str(fixed.tried))
            worker.send_signal(signal.SIGTERM)
            output, _ = worker.communicate(timeout=PATIENCE)
        finally:
            worker.kill()
    assert sentence in output
    assert json.loads((queue.folder / "results" / str(queue.read(path).result)).read_text())["results"]


@pytest.mark.slow
def test_a_worker_that_drains_ends_with_1_when_the_suite_has_problems(queue: Queue, tasks: Path) -> None:
    path = queue.submit("nobody/there")
    sentence = break_the_task(tasks)
    done = subprocess.run(
        [sys.executable, "-m", "src.worker", "--drain"],
        cwd=BACKEND,
        env=environment(
            queue.folder.parent, tasks, LEADERBOARD_DATA_DIR=str(queue.folder), REFRESH_RATE="0.2"
        ),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert sentence in done.stderr
    assert queue.read(path).status is Status.PENDING

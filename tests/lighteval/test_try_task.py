"""`python -m src.try_task NAME` with lighteval as the engine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    more = {"ENGINE": "lighteval", "HF_HUB_OFFLINE": "1", "TMPDIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "src.try_task", *arguments],
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "answered"),
    [
        ("tiny_copy", "It wrote:\n"),
        ("tiny_agreement|2", "The answers that it rates"),
        ("tiny_addition", "rates"),
    ],
)
def test_the_shipped_tasks_show_prompts_answers_and_scores(tmp_path: Path, task: str, answered: str) -> None:
    done = run(tmp_path, task, "--limit", "2")
    assert done.returncode == 0, done.stderr
    assert "Question 2 of 2: number 1 of tiny_" in done.stdout
    assert "The prompt, as the model reads it:\n  │ " in done.stdout
    assert answered in done.stdout
    assert "The right answer: " in done.stdout
    assert "Scores: " in done.stdout
    assert "has no problems. Of lighteval, stand-in, 2 answers." in done.stdout


@pytest.mark.slow
def test_an_unknown_task_is_told(tmp_path: Path) -> None:
    done = run(tmp_path, "tiny_additoin")
    assert done.returncode == 1, done.stderr
    assert "tiny_additoin" in done.stdout

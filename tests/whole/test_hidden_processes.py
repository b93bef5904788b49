"""Programs that hold a token, run by an ordinary user: no other program of that user can look into them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local_leaderboard import ROOT
from support.leaderboard import BACKEND_PYTHON, FRONTEND_PYTHON
from support.processes import free_port
from support.spy.spy import MARK
from support.unprivileged import memory_is_open, unprivileged
from support.waiting import wait_for

SUPPORT = ROOT / "tests" / "support"
UNHIDDEN, SPY = str(SUPPORT / "unhidden.py"), str(SUPPORT / "spy" / "spy.py")

PROGRAMS = {
    "frontend": ("frontend", FRONTEND_PYTHON, "app.py"),
    "backend": ("backend", BACKEND_PYTHON, "app.py"),
    "worker": ("backend", BACKEND_PYTHON, "-m", "src.worker"),
}
BEGUN = {"app.py": "Running on local URL", "src.worker": "starts."}
"""What each says when it is at work."""

IN_THE_ENVIRONMENT = {"frontend": ["environ"], "backend": [], "worker": []}
"""Where the token stays in the environment: the worker withdraws it from its own."""

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc: run it on Linux")


@contextmanager
def started(name: str, data: Path, *, hides: bool) -> Iterator[subprocess.Popen[bytes]]:
    """A program of an ordinary user's that has a token and is at work."""
    space, python, *program = PROGRAMS[name]
    variables = {
        "HF_TOKEN": "hf_decoy",
        "LEADERBOARD_DATA_DIR": str(data),
        "GRADIO_SERVER_PORT": str(free_port()),
        "PYTHONPATH": str(ROOT / space),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(data),
    }
    log = data / "log.txt"
    with (
        log.open("wb") as file,
        subprocess.Popen(
            unprivileged(python, *([] if hides else [UNHIDDEN]), *program),
            cwd=ROOT / space,
            env={**os.environ, **variables},
            stdout=file,
            stderr=file,
        ) as process,
    ):
        try:
            wait_for(
                lambda: BEGUN[program[-1]] in log.read_text() or process.poll() is not None, what="its begin"
            )
            assert process.poll() is None, log.read_text()
            yield process
        finally:
            process.terminate()
            process.wait()
            assert "Traceback" not in log.read_text()


def found_beside(process: int) -> list[str]:
    """What another program of the same user gets at."""
    command = unprivileged(sys.executable, SPY, str(process), beside=process)
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    [line] = [line for line in output.splitlines() if line.startswith(MARK)]
    places: list[str] = json.loads(line.removeprefix(MARK))
    return [Path(place).parts[3] for place in places if place.startswith(f"/proc/{process}/")]


@pytest.mark.parametrize(
    "name", ["worker", *(pytest.param(name, marks=pytest.mark.slow) for name in ("frontend", "backend"))]
)
def test_others_of_the_same_user_cannot_look_into_a_program_that_holds_a_token(
    tmp_path: Path, name: str
) -> None:
    with started(name, tmp_path, hides=True) as process:
        assert found_beside(process.pid) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_without_hiding_they_would_read_its_environment_its_memory_and_its_files(
    tmp_path: Path, name: str
) -> None:
    """Without this, the test above could not fail."""
    with started(name, tmp_path, hides=False) as process:
        memory = ["mem"] if memory_is_open() else []
        assert found_beside(process.pid) == [*IN_THE_ENVIRONMENT[name], *memory, "fd"]


@pytest.mark.slow
def test_the_frontend_starts_no_other_program(tmp_path: Path) -> None:
    """So it may keep its token in its environment."""
    with started("frontend", tmp_path, hides=True) as process:
        threads = Path(f"/proc/{process.pid}/task").iterdir()
        assert not any((thread / "children").read_text() for thread in threads)

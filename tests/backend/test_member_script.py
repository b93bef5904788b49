"""`slurm/member.sh`, as a node of a cluster runs it: what a member gets, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from src.fleet.slurm_orders import SCRIPT
from support.waiting import PATIENCE, wait_for

PYTHON = """\
#!/bin/bash
echo "$$ $TMPDIR $WORKER_ID $*" > "$TMPDIR/began"
exec sleep 600
"""
"""In the place of Python: it says what it got, and waits."""

REMOVING = """\
#!/bin/bash
(echo $$; env) > "{0}.part"
mv "{0}.part" "{0}"
exec sleep 600
"""
"""In the place of `rm`: it says what it got, and takes long."""

Run = Callable[[int], subprocess.Popen[bytes]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Runs the script as the job of this number."""
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    with ExitStack() as stack:

        def member(job: int) -> subprocess.Popen[bytes]:
            variables = {"TMPDIR": str(tmp_path), "SLURM_JOB_ID": str(job), "LEADERBOARD_MEMBER": "small-1"}
            process = subprocess.Popen(
                [SCRIPT, "--largest-gb", "5"],
                env={**os.environ, **variables, "LEADERBOARD_PYTHON": str(python), "HF_TOKEN": "hf_secret"},
                stdout=subprocess.PIPE,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield member


def folder(tmp_path: Path, job: int) -> Path:
    return tmp_path / f"leaderboard-members-{os.getuid()}" / str(job)


def began(tmp_path: Path, job: int) -> list[str]:
    """What a member said that it got."""
    file = folder(tmp_path, job) / "began"
    return wait_for(lambda: file.exists() and file.read_text().split(), what="the member") or []


def test_the_member_takes_the_place_of_the_shell(run: Run, tmp_path: Path) -> None:
    """So no shell keeps the token in an environment that evaluations could read."""
    process = run(7)
    assert began(tmp_path, 7) == [
        *(str(process.pid), str(folder(tmp_path, 7)), "small-1.7"),
        *("-u", "-m", "src.worker", "--drain", "--largest-gb", "5"),
    ]


def test_what_a_killed_member_left_is_removed_and_what_runs_is_not(run: Run, tmp_path: Path) -> None:
    killed = run(7)
    began(tmp_path, 7)
    run(8)
    began(tmp_path, 8)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert folder(tmp_path, 7).exists()
    run(9)
    began(tmp_path, 9)
    assert [folder(tmp_path, job).exists() for job in (7, 8, 9)] == [False, True, True]
    wait_for(lambda: not list(folder(tmp_path, 9).parent.glob(".left-*")), what="the removal")


def test_nothing_that_takes_long_runs_beside_the_token_or_before_the_member(run: Run, tmp_path: Path) -> None:
    """Evaluations of other members on the node run as the same user, and could read the environment."""
    removing, told = tmp_path / "rm", tmp_path / "told"
    removing.write_text(REMOVING.format(told))
    removing.chmod(0o755)
    killed = run(7)
    began(tmp_path, 7)
    killed.kill()
    killed.wait()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        run(8)
    began(tmp_path, 8)
    wait_for(told.exists, what="the removal")
    number, environment = told.read_text().split("\n", 1)
    os.kill(int(number), signal.SIGKILL)
    assert "SLURM_JOB_ID=8" in environment
    assert "hf_secret" not in environment


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to somebody else")
def test_a_folder_of_another_user_is_refused(run: Run, tmp_path: Path) -> None:
    folders = folder(tmp_path, 7).parent
    folders.mkdir()
    os.chown(folders, 4_200_000, 4_200_000)
    output, _ = run(7).communicate(timeout=PATIENCE)
    assert output.decode() == (
        f"{folders} belongs to another user: remove it, or set TMPDIR in this script.\n"
    )

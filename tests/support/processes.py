"""Processes and ports as the system sees them."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from support.sources import ROOT
from support.waiting import PATIENCE


def is_alive(pid: int | None) -> bool:
    """Whether a process runs; one that has ended and was not waited for by its parent counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def killed_worker(kind: str, folder: Path) -> None:
    """Run `dying_worker.py` until it is killed. A fork of the tests would have their threads' locks."""
    path = os.pathsep.join([str(ROOT / "backend"), str(ROOT / "tests")])
    command = [sys.executable, str(ROOT / "tests" / "support" / "dying_worker.py"), kind, str(folder)]
    worker = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, timeout=PATIENCE, check=False)
    assert worker.returncode == -signal.SIGKILL

"""Processes and ports as the system sees them."""

import os
import secrets
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from support.sources import ROOT
from support.waiting import PATIENCE

NEVER_GIVEN = range(10_000, 32_768)
"""Ports below those that Linux and macOS give to whoever asks for any."""


def is_alive(pid: int | None) -> bool:
    """Whether a process runs; one that has ended and was not waited for by its parent counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the second if it ended after the file was opened
        return False


def commands() -> list[str]:
    """The command lines of all processes of this machine: others come and go meanwhile."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found.append((process / "cmdline").read_bytes().decode(errors="replace"))
    return found


def free_port() -> int:
    """A port that nobody listens on now, and that the system gives nobody who asks for any.

    A program that binds it takes a while to start, and others start meanwhile.
    """
    while True:
        with socket.socket() as attempt, suppress(OSError):
            port = secrets.choice(NEVER_GIVEN)
            attempt.bind(("127.0.0.1", port))
            return port


def killed_worker(kind: str, folder: Path) -> None:
    """Run `dying_worker.py` until it is killed. A fork of the tests would have their threads' locks."""
    path = os.pathsep.join([str(ROOT / "backend"), str(ROOT / "tests")])
    command = [sys.executable, str(ROOT / "tests" / "support" / "dying_worker.py"), kind, str(folder)]
    worker = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, timeout=PATIENCE, check=False)
    assert worker.returncode == -signal.SIGKILL

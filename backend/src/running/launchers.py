"""Starts and ends child processes: here as separate programs, in `warm_launcher.py` as forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

from src.running.job import LOG_FILE, Work

CHILD = (sys.executable, "-m", "src.evaluation")
"""The command for a child. The work and the folder of the job follow."""


class Child(Protocol):
    """A child process that leads its own process group.

    It ends with its worker, however that ends, and also when it does not begin in time.
    """

    @property
    def fault(self) -> str | None:
        """A sentence about how its worker caused its end; None if the worker did not."""

    @property
    def pid(self) -> int | None:
        """Its process id, which is also that of its group; None before it has begun."""

    def wait(self, timeout: float) -> int:
        """Return its exit status, negative for a signal. Raises subprocess.TimeoutExpired while it runs."""

    def kill(self) -> None:
        """Kill it and everything that it started. A child that has not begun yet never will."""

    def close(self) -> None:
        """Release its resources. It must have ended."""


class Launcher(Protocol):
    """Starts children. Their output goes to the log in the job's folder."""

    def launch(self, work: Work, folder: Path) -> Child:
        """Start a child that does this work for the job in the folder. Raises OSError."""

    def close(self) -> None:
        """End whatever is kept for future children."""


class ProgramLauncher:
    """Starts each child as a separate program. It imports everything again, which takes seconds."""

    def __init__(self, environment: Mapping[str, str], command: tuple[str, ...] = CHILD) -> None:
        self._environment = environment
        self._command = command

    def launch(self, work: Work, folder: Path) -> Child:
        """Start a program."""
        # Opened for appending, so that the log can be shortened while the child goes on.
        with (folder / LOG_FILE).open("ab") as log_file:
            return _Program(begin_process((*self._command, work, str(folder)), self._environment, log_file))

    def close(self) -> None:
        """Do nothing: nothing is kept."""


class _Program:
    """A program that kills its group when its standard input ends. Only the worker holds the other end."""

    fault = None

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def wait(self, timeout: float) -> int:
        return self._process.wait(timeout)

    def kill(self) -> None:
        kill_group(self._process.pid)

    def close(self) -> None:
        self._process.__exit__(None, None, None)


def begin_process(
    command: tuple[str, ...],
    environment: Mapping[str, str],
    log_file: IO[bytes],
    *,
    stdout: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process in its own session, whose standard input only the worker holds open."""
    for home in ("HOME", "HF_HOME"):
        Path(environment[home]).mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=log_file if stdout is None else stdout,
        stderr=log_file,
        start_new_session=True,
    )


def kill_group(group: int) -> None:
    """Kill a process and everything that it started. A session leader's process id is also its group's."""
    with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS raises the second then
        os.killpg(group, signal.SIGKILL)

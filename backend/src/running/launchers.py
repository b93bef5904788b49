"""How a child process begins and is ended; here as a program of its own, in `warm_launcher.py` as a fork."""

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
"""What runs an evaluation; what it is to do, and the folder of the job, follow."""


class Child(Protocol):
    """A child process that leads a group of its own; it ends with its worker, however that ends, and
    when it does not begin in time.
    """

    @property
    def fault(self) -> str | None:
        """What its worker did wrong that ended it, in a sentence; None if it ended by itself."""

    @property
    def pid(self) -> int | None:
        """Its number and that of its group; None before it has begun."""

    def wait(self, timeout: float) -> int:
        """Its exit status, negative for a signal. Raises subprocess.TimeoutExpired while it runs."""

    def kill(self) -> None:
        """Kill it and all that it started. One that has not begun has ended then, and never runs on."""

    def close(self) -> None:
        """Give back what it took here; it has ended."""


class Launcher(Protocol):
    """Begins children. What they print goes to the log in the job's folder."""

    def launch(self, work: Work, folder: Path) -> Child:
        """Begin a child that does this with the job in the folder. Raises OSError."""

    def close(self) -> None:
        """End what is kept for children to come."""


class ProgramLauncher:
    """Each child is a program of its own: it imports everything anew, which takes seconds."""

    def __init__(self, environment: Mapping[str, str], command: tuple[str, ...] = CHILD) -> None:
        self._environment = environment
        self._command = command

    def launch(self, work: Work, folder: Path) -> Child:
        """Begin a program."""
        # To append to: so it can be made shorter while the child goes on.
        with (folder / LOG_FILE).open("ab") as log_file:
            return _Program(begin_process((*self._command, work, str(folder)), self._environment, log_file))

    def close(self) -> None:
        """Nothing is kept."""


class _Program:
    """A program. The worker holds the other end of its standard input, and nobody else does: when that ends,
    it kills its own group.
    """

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
    """A process in a session of its own, whose standard input only the worker holds open."""
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
    """Kill a process and all that it started: a session leader's number is also its group's, as long as one
    of them lives.
    """
    with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS says so by the second
        os.killpg(group, signal.SIGKILL)

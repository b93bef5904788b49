"""How a child process begins: as a program of its own, or forked from a warm parent that has imported all."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from errno import EPIPE
from pathlib import Path
from threading import Condition, Lock, Thread
from typing import IO, Protocol

from src.job import LOG_FILE, Work, write_json
from src.logs import read_log
from src.suite import Suite

log = logging.getLogger(__name__)

CHILD = (sys.executable, "-m", "src.evaluation")
"""What runs an evaluation; what it is to do, and the folder of the job, follow."""

SUITE_FILE, WARM_LOG = "suite.json", "warm.txt"

SECONDS_TO_BEGIN = 300.0
"""How long the warm parent may take to fork a child that was ordered; at first it imports for a minute."""

SECONDS_TO_END = 10.0
"""How long it may take to end when it is told to."""

PARENT_IS_GONE = (
    "The worker's warm parent, which all evaluations are forks of, is gone (exit status {}), and this one "
    "with it. The worker's log says more; the model is not at fault."
)

# fmt: off
PASSED_ON = (
    "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
    "HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_DISABLE_XET",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
)
# fmt: on
"""What a child gets of the worker's environment, unless it holds a login (`http://me:…@proxy`)."""


class Child(Protocol):
    """A child process that leads a group of its own; it ends with its worker, however that ends."""

    @property
    def fault(self) -> str | None:
        """What its worker did wrong that ended it, in a sentence; None if it ended by itself."""

    @property
    def pid(self) -> int | None:
        """Its number and that of its group; None before it has begun."""

    def wait(self, timeout: float) -> int:
        """Its exit status, negative for a signal. Raises subprocess.TimeoutExpired while it runs."""

    def kill(self) -> None:
        """Kill it and all that it started, at once or as soon as it begins."""

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
            return _Program(_popen((*self._command, work, str(folder)), self._environment, log_file))

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
        _kill_group(self._process.pid)

    def close(self) -> None:
        self._process.__exit__(None, None, None)


class WarmLauncher:
    """Children are forked from a parent that imports once what all of them need (`src/evaluation/warm.py`).

    The parent is made at the first launch, and made again when it is gone. One that hangs is ended: its
    children have to begin, and it has to end, within so many seconds.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        suite: Suite,
        folder: Path,
        command: tuple[str, ...] = CHILD,
        *,
        begins_within: float = SECONDS_TO_BEGIN,
        ends_within: float = SECONDS_TO_END,
    ) -> None:
        self._environment = environment
        self._suite = suite
        self._folder = folder
        self._command = command
        self._begins_within = begins_within
        self._ends_within = ends_within
        self._lock = Lock()
        self._parent: _Parent | None = None

    def launch(self, work: Work, folder: Path) -> Child:
        """Order a child from the parent."""
        with self._lock:
            return self._living_parent().order(work, folder, self._begins_within)

    def close(self) -> None:
        """End the parent, and with it its children."""
        with self._lock:
            if self._parent:
                self._parent.close(self._ends_within)

    def _living_parent(self) -> _Parent:
        if self._parent is None or self._parent.is_gone:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_json(self._folder / SUITE_FILE, self._suite)
            command = (*self._command, Work.WARM, str(self._folder / SUITE_FILE))
            log_path = self._folder / WARM_LOG
            with log_path.open("wb") as log_file:
                process = _popen(command, self._environment, log_file, stdout=subprocess.PIPE)
            self._parent = _Parent(process, log_path)
        return self._parent


class _Parent:
    """The warm parent: it reads orders on its standard input, a line each, and tells on its standard output
    which child began and ended. It ends when its input does, and its children with it.
    """

    def __init__(self, process: subprocess.Popen[bytes], log_path: Path) -> None:
        self._process = process
        self._log_path = log_path
        self._children: dict[str, _Forked] = {}
        self._lock = Lock()
        Thread(target=self._listen, name="warm parent", daemon=True).start()

    @property
    def is_gone(self) -> bool:
        """Whether no child can be ordered any more."""
        return self._process.poll() is not None

    def order(self, work: Work, folder: Path, begins_within: float) -> _Forked:
        """Order a child. Raises OSError when the parent has just gone."""
        child = _Forked(folder, begins_within, self.kill)
        with self._lock:
            self._children[str(folder)] = child
        try:
            self._input.write(json.dumps({"work": work, "folder": str(folder)}).encode() + b"\n")
            self._input.flush()
        except ValueError as error:  # its input was closed at its end, a moment ago
            raise BrokenPipeError(EPIPE, "the warm parent is gone") from error
        return child

    def close(self, seconds: float) -> None:
        """End it; kill it when that takes longer."""
        with suppress(OSError):
            self._input.close()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill it, because it hangs; its children end with it."""
        if not self.is_gone:
            log.error("the warm parent hangs, and is killed")
            _kill_group(self._process.pid)

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin
        return self._process.stdin

    def _listen(self) -> None:
        """Pass on what the parent tells; when it is gone, so are its children."""
        assert self._process.stdout
        for line in self._process.stdout:
            try:
                self._pass_on(**json.loads(line))
            except (ValueError, TypeError):
                log.warning("the warm parent said %r", line)
        self._process.stdout.close()
        with suppress(OSError):
            self._input.close()
        self._end_all(self._process.wait())

    def _end_all(self, status: int) -> None:
        """End the children that are left: the parent, which has ended so, can tell nothing of them."""
        with self._lock:
            left = list(self._children.values())
        if left:
            said = read_log(self._log_path).decode(errors="replace")
            log.error("the warm parent is gone (exit status %d): %s", status, said)
        for child in left:
            child.kill()
            child.fault = PARENT_IS_GONE.format(status)
            self._end(child, status or -signal.SIGKILL)

    def _pass_on(self, folder: str, pid: int, status: int | None) -> None:
        with self._lock:
            child = self._children.get(folder)
        if child and status is None:
            child.begin(pid)
        elif child:
            self._end(child, status or 0)

    def _end(self, child: _Forked, status: int) -> None:
        with self._lock:
            del self._children[str(child.folder)]
        child.end(status)


class _Forked:
    """A child of the parent's, known by what the parent tells of it. When it has not begun for so many
    seconds, the parent is given up.
    """

    def __init__(self, folder: Path, begins_within: float, give_up: Callable[[], None]) -> None:
        self.folder = folder
        self.fault: str | None = None
        self._latest_begin = time.monotonic() + begins_within
        self._give_up = give_up
        self._pid: int | None = None
        self._status: int | None = None
        self._is_killed = False
        self._changed = Condition()

    @property
    def pid(self) -> int | None:
        return self._pid

    def wait(self, timeout: float) -> int:
        with self._changed:
            self._changed.wait_for(lambda: self._status is not None, timeout)
            if self._status is not None:
                return self._status
        if self._pid is None and time.monotonic() > self._latest_begin:
            self._give_up()
        raise subprocess.TimeoutExpired(str(self.folder), timeout)

    def kill(self) -> None:
        with self._changed:
            self._is_killed = True
            # Once it has ended its number may be another process's.
            if self._pid is not None and self._status is None:
                _kill_group(self._pid)

    def close(self) -> None:
        """The parent has taken its status."""

    def begin(self, pid: int) -> None:
        """The parent has forked it."""
        with self._changed:
            self._pid = pid
            if self._is_killed:
                _kill_group(pid)

    def end(self, status: int) -> None:
        """It has ended, or never begun."""
        with self._changed:
            self._status = status
            self._changed.notify_all()


def clean_environment(
    folder: Path, read_token: str | None = None, threads: int | None = None
) -> dict[str, str]:
    """The whole environment of a child: a short list of harmless variables, and a home of its own where no
    token lies. The only token that it may have is one that can only read, for gated models and questions.

    Several that share the processors have so many `threads` each, unless the owner says otherwise.
    """
    token = {"HF_TOKEN": read_token} if read_token else {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
    passed_on = {name: os.environ[name] for name in PASSED_ON if "@" not in os.environ.get(name, "@")}
    shared = {"OMP_NUM_THREADS": str(threads)} if threads else {}
    return {
        **shared,
        **passed_on,
        "HOME": str(folder / "home"),
        "HF_HOME": str(folder / "hf"),
        **token,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }


def _popen(
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


def _kill_group(group: int) -> None:
    """Kill a process and all that it started: a session leader's number is also its group's, as long as one
    of them lives.
    """
    with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS says so by the second
        os.killpg(group, signal.SIGKILL)

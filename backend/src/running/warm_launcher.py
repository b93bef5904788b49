"""Forks children from a warm parent, which has imported what all of them need."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from errno import EPIPE
from math import inf
from pathlib import Path
from threading import Condition, Lock, Thread
from typing import IO

from src.running.job import Work, write_json
from src.running.launchers import CHILD, Child, begin_process, kill_group
from src.running.logs import read_log
from src.running.suite import Suite

log = logging.getLogger(__name__)

SUITE_FILE, WARM_LOG = "suite.json", "warm.txt"

SECONDS_TO_BEGIN = 300.0
"""How long the warm parent may take to fork a child. Its imports take a minute at first."""

SECONDS_TO_END = 10.0
"""How long it may take to end once its input is closed."""

PARENT_IS_GONE = (
    "The process from which all evaluations are forked has ended (exit status {}), and this evaluation with "
    "it. The leaderboard's owner can find details in the worker's log; the model is not at fault."
)


class WarmLauncher:
    """Forks children from a parent that has imported what all of them need (`src/evaluation/warm.py`).

    The parent is started at the first launch, and again when it is gone. It is killed when it hangs: when a
    child does not begin within `begins_within` seconds, or the parent does not end within `ends_within`.
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
                process = begin_process(command, self._environment, log_file, stdout=subprocess.PIPE)
            self._parent = _Parent(process, log_path)
        return self._parent


class _Parent:
    """The warm parent. It reads orders from its standard input, one per line.

    On its standard output it reports which children began and ended. It ends with its input, and its children
    end with it.
    """

    def __init__(self, process: subprocess.Popen[bytes], log_path: Path) -> None:
        self._process = process
        self._log_path = log_path
        self._children: dict[str, _Forked] = {}
        self._lock = Lock()
        Thread(target=self._listen, name="warm parent", daemon=True).start()

    @property
    def is_gone(self) -> bool:
        """Whether it can fork no more children."""
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
        """End it. Kill it if that takes longer than this."""
        with suppress(OSError):
            self._input.close()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill it because it hangs. Its children end with it."""
        if not self.is_gone:
            log.error("killing the warm parent, which hangs")
            kill_group(self._process.pid)

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin
        return self._process.stdin

    def _listen(self) -> None:
        """Pass on the parent's reports. When the parent is gone, so are its children."""
        assert self._process.stdout
        for line in self._process.stdout:
            try:
                self._pass_on(**json.loads(line))
            except (ValueError, TypeError):
                log.warning("cannot read what the warm parent wrote: %r", line)
        self._process.stdout.close()
        with suppress(OSError):
            self._input.close()
        self._end_all(self._process.wait())

    def _end_all(self, status: int) -> None:
        """End the remaining children. The parent has ended with this status and can no longer report them."""
        with self._lock:
            left = list(self._children.values())
        if left:
            text = read_log(self._log_path).decode(errors="replace")
            log.error("the warm parent has ended (exit status %d): %s", status, text)
        for child in left:
            child.fault = PARENT_IS_GONE.format(status)
            child.kill()
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
    """A child of the parent, known only from the parent's reports.

    If it has not begun after `begins_within` seconds, the parent is killed.
    """

    def __init__(self, folder: Path, begins_within: float, give_up: Callable[[], None]) -> None:
        self.folder = folder
        self.fault: str | None = None
        self._latest_begin = time.monotonic() + begins_within
        self._give_up = give_up
        self._pid: int | None = None
        self._status: int | None = None
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
            self._latest_begin = inf  # give up only once: the system may still hold the parent
            self._give_up()
        raise subprocess.TimeoutExpired(str(self.folder), timeout)

    def kill(self) -> None:
        with self._changed:
            if self._status is not None:
                return  # its process id may belong to another process by now
            if self._pid is None:
                self.end(-signal.SIGKILL)  # do not wait until it begins
            else:
                kill_group(self._pid)

    def close(self) -> None:
        """Do nothing: the parent has taken its status."""

    def begin(self, pid: int) -> None:
        """Note that the parent has forked it."""
        with self._changed:
            self._pid = pid
            if self._status is not None:  # it was killed before
                kill_group(pid)

    def end(self, status: int) -> None:
        """Note that it has ended, or never will begin."""
        with self._changed:
            self._status = status
            self._changed.notify_all()

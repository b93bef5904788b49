"""The warm parent: it imports what every evaluation needs, and forks a child for each order.

An order is a line of JSON on its standard input: `work` and `folder`. It reports on its standard output, also
as lines of JSON, which child began (`folder`, `pid`, `status` null) and which ended (`status` not null).
Forking a process with threads is unsafe, and torch keeps threads once it has computed anything. So the parent
only imports and never computes.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from src.evaluation.lifeline import end_with
from src.running.job import LOG_FILE
from src.running.suite import Suite
from src.shared.data.request import ADAPTER

log = logging.getLogger(__name__)

Action = Callable[[Path], int]
"""Does the work that a folder describes, and returns an exit status."""

STDIN, STDOUT, STDERR = 0, 1, 2
PIPE_BYTES = 65_536

IMPORTED = (
    "src.evaluation.evaluating",
    "datasets.packaged_modules.json.json",
    "transformers.generation.utils",
    "transformers.models.gpt2.modeling_gpt2",
    "transformers.models.llama.modeling_llama",
    "transformers.models.mistral.modeling_mistral",
    "transformers.models.qwen2.modeling_qwen2",
)
"""What nearly every evaluation imports. transformers imports an architecture only when it is used."""


ADAPTERS = "src.evaluation.loading.adapters"
"""The same of an adapter's evaluation."""


class WarmParent:
    """Serves orders until its standard input ends. Then its worker is gone, and its children are killed."""

    def __init__(self, actions: dict[str, Action]) -> None:
        self._actions = actions
        self._folders: dict[int, str] = {}
        # Reports go where standard output went; what libraries print goes to the log.
        self._answers = os.dup(STDOUT)
        os.dup2(STDERR, STDOUT)
        self._woken, wakes = os.pipe()
        os.set_blocking(wakes, False)
        os.set_blocking(self._woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        # Every child reads one end. Only the parent has the other, which closes when the parent is gone.
        self._life, self._alive = os.pipe()

    def serve(self) -> None:
        """Fork a child for each order, and report how each ends."""
        for line in self._lines():
            order = json.loads(line)
            self._fork(self._actions[order["work"]], order["folder"])
        for pid in self._folders:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def _lines(self) -> Iterator[bytes]:
        """Yield the orders as they come. Meanwhile report the children that end."""
        rest = b""
        while True:
            ready, _, _ = select.select([STDIN, self._woken], [], [])
            if self._woken in ready:
                with suppress(BlockingIOError):
                    os.read(self._woken, PIPE_BYTES)
                self._report_ended()
            if STDIN in ready:
                data = os.read(STDIN, PIPE_BYTES)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                yield from lines

    def _fork(self, action: Action, folder: str) -> None:
        try:
            pid = os.fork()
        except OSError:
            log.exception("could not fork")
            self._report(folder, 0, 1)
            return
        if pid == 0:
            os._exit(self._be_a_child(action, Path(folder)))
        with suppress(OSError):  # the child does the same, so its group exists when it is reported
            os.setpgid(pid, pid)
        self._folders[pid] = folder
        self._report(folder, pid, None)

    def _report_ended(self) -> None:
        for pid, folder in list(self._folders.items()):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            # Until its status is taken, no other process can have its id. So kill its group now.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            del self._folders[pid]
            self._report(folder, pid, os.waitstatus_to_exitcode(status))

    def _report(self, folder: str, pid: int, status: int | None) -> None:
        line = json.dumps({"folder": folder, "pid": pid, "status": status}) + "\n"
        with suppress(BrokenPipeError):  # the worker is gone, so the orders end next
            os.write(self._answers, line.encode())

    def _be_a_child(self, action: Action, folder: Path) -> int:
        """In the child: run in its own group with its own log, and return the exit status."""
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        for descriptor in (self._alive, self._answers, self._woken):
            os.close(descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), STDIN)
        try:
            _print_to(folder / LOG_FILE)
            end_with(self._life)
            return action(folder)
        except Exception:
            log.exception("failed")
            return 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()


def warm_up(suite: Suite) -> None:
    """Import what evaluations need, and have the engine prepare the suite. A child will report what fails."""
    for name in (*IMPORTED, *([ADAPTERS] if ADAPTER in suite.weight_types else [])):
        try:
            import_module(name)
        except (ImportError, OSError):
            log.exception("could not import %s", name)
    try:
        from src.evaluation.engine import engine_of

        engine_of(suite).make_ready(suite)
    except Exception:
        log.exception("could not prepare the suite")
    gc.collect()
    gc.freeze()  # keep what is here in memory that all children share


def _print_to(log_file: Path) -> None:
    """Redirect everything that this process and its libraries print to a file."""
    descriptor = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    os.dup2(descriptor, STDOUT)
    os.dup2(descriptor, STDERR)
    os.close(descriptor)

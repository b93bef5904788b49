"""Where evaluations run: each in a child process of its own on this machine, watched until it ends."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from threading import Lock, Thread
from typing import Protocol

from src.job import (
    JOB_FILE,
    LOG_FILE,
    PROGRESS_FILE,
    REFUSAL_FILE,
    REPORT_FILE,
    End,
    Ending,
    Job,
    Progress,
    Refusal,
    read_json,
    write_json,
)
from src.shared.errors import BadFile
from src.shared.json_file import read_object

log = logging.getLogger(__name__)

CHILD = (sys.executable, "-m", "src.evaluation")
"""What runs an evaluation, in the folder that is named after it."""

LOG_BYTES = 200_000
"""How much of the end of a child's log is kept."""

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


class Executor(Protocol):
    """Runs evaluations somewhere. A claim's nonce names its evaluation."""

    def start(self, nonce: str, job: Job) -> None:
        """Begin an evaluation; what goes wrong, at the start too, becomes its ending."""

    def progress(self) -> Mapping[str, Progress | None]:
        """How far each evaluation is that runs, as far as it has said."""

    def endings(self) -> Mapping[str, Ending]:
        """The evaluations that have ended and were not forgotten yet."""

    def forget(self, nonce: str) -> None:
        """Let go of an evaluation, and stop it if it still runs."""

    def close(self) -> None:
        """Stop everything."""


@dataclass
class _Child:
    """One running evaluation: its process and its folder."""

    process: subprocess.Popen[bytes]
    folder: Path
    job: Job


class ProcessExecutor:
    """One child process per evaluation, in its own process group, with a clean environment and a wall-clock
    limit.

    The worker holds the other end of each child's standard input, and nobody else does: when the worker dies,
    however it dies, the child reads the end of it and kills its own group.
    """

    def __init__(
        self,
        folder: Path,
        *,
        time_limit: timedelta,
        on_end: Callable[[], None] = lambda: None,
        command: tuple[str, ...] = CHILD,
        read_token: str | None = None,
    ) -> None:
        self._folder = folder
        self._read_token = read_token
        self._time_limit = time_limit
        self._on_end = on_end
        self._command = command
        self._lock = Lock()
        self._wanted: set[str] = set()
        self._children: dict[str, _Child] = {}
        self._endings: dict[str, Ending] = {}

    def start(self, nonce: str, job: Job) -> None:
        """Start a child; when even that fails (a full disk, no memory), the evaluation has crashed."""
        folder = self._folder / "jobs" / nonce
        with self._lock:
            self._wanted.add(nonce)
        try:
            child = _Child(self._spawn(folder, job), folder, job)
        except OSError as error:
            log.exception("could not start the evaluation of %s", job.model)
            self._end(
                nonce, Ending(End.CRASHED, f"The evaluation could not be started: {error.strerror or error}.")
            )
            return
        with self._lock:
            self._children[nonce] = child
        Thread(target=self._watch, args=(nonce, child), name=f"watch {job.model}", daemon=True).start()

    def progress(self) -> Mapping[str, Progress | None]:
        """What each running child wrote last."""
        with self._lock:
            running = {nonce: child.folder for nonce, child in self._children.items()}
        return {nonce: read_json(folder / PROGRESS_FILE, Progress) for nonce, folder in running.items()}

    def endings(self) -> Mapping[str, Ending]:
        """Of each child that ended and was not forgotten, how it ended."""
        with self._lock:
            return dict(self._endings)

    def forget(self, nonce: str) -> None:
        """Drop an ending, or kill the child: its ending is then dropped when it comes."""
        with self._lock:
            self._wanted.discard(nonce)
            self._endings.pop(nonce, None)
            child = self._children.get(nonce)
        if child:
            _kill_group(child.process)

    def close(self) -> None:
        """Kill every child and wait until it is gone."""
        with self._lock:
            children = dict(self._children)
        for nonce, child in children.items():
            self.forget(nonce)
            child.process.wait()

    def _spawn(self, folder: Path, job: Job) -> subprocess.Popen[bytes]:
        environment = clean_environment(self._folder, self._read_token)
        for needed in (folder, Path(environment["HOME"]), Path(environment["HF_HOME"])):
            needed.mkdir(parents=True, exist_ok=True)
        write_json(folder / JOB_FILE, job)
        with (folder / LOG_FILE).open("wb") as log_file:
            return subprocess.Popen(
                [*self._command, str(folder)],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log_file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _watch(self, nonce: str, child: _Child) -> None:
        """Wait for one child, and turn what it left into an ending."""
        with child.process as process:
            try:
                process.wait(self._time_limit.total_seconds())
                over_time = False
            except subprocess.TimeoutExpired:
                over_time = True
            _kill_group(process)  # what the child started must not outlive it
        ending = self._over_time() if over_time else _ending(child.process.returncode, child.folder)
        self._end(nonce, replace(ending, log=_log(child)))
        shutil.rmtree(child.folder, ignore_errors=True)

    def _over_time(self) -> Ending:
        limit = self._time_limit.total_seconds() / 3600
        return Ending(
            End.OVER_TIME, f"The evaluation took longer than the limit of {limit:.3g} hours and was stopped."
        )

    def _end(self, nonce: str, ending: Ending) -> None:
        with self._lock:
            self._children.pop(nonce, None)
            if nonce in self._wanted:
                self._endings[nonce] = ending
        self._on_end()


def clean_environment(folder: Path, read_token: str | None = None) -> dict[str, str]:
    """The whole environment of a child: a short list of harmless variables, and a home of its own where no
    token lies. The only token that it may have is one that can only read, for gated models and questions.
    """
    token = {"HF_TOKEN": read_token} if read_token else {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
    passed_on = {name: os.environ[name] for name in PASSED_ON if "@" not in os.environ.get(name, "@")}
    return passed_on | {
        "HOME": str(folder / "home"),
        "HF_HOME": str(folder / "hf"),
        **token,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }


def _ending(returncode: int, folder: Path) -> Ending:
    """How a child ended, from its exit code and the files that it left, none of which is trusted."""
    if returncode == 0:
        try:
            return Ending(End.FINISHED, "", report=read_object((folder / REPORT_FILE).read_bytes()))
        except (OSError, BadFile) as error:
            return Ending(End.CRASHED, f"The evaluation ended without a report that can be read: {error}")
    if refusal := read_json(folder / REFUSAL_FILE, Refusal):
        return Ending(End.REFUSED, refusal.message)
    if returncode < 0:
        return Ending(
            End.CRASHED, f"The evaluation was killed by the signal {signal.Signals(-returncode).name}."
        )
    return Ending(
        End.CRASHED, f"The evaluation broke off with an error (exit status {returncode}); its log says more."
    )


def _log(child: _Child) -> bytes:
    """The end of a child's log, without the folders of this machine: it is going to be published."""
    try:
        with (child.folder / LOG_FILE).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_BYTES))
            text = file.read()
    except OSError:
        return b""
    weights = child.job.weights if Path(child.job.weights).is_absolute() else ""
    names = {
        weights: child.job.model,
        str(child.folder): "job",
        sys.prefix: "python",
        str(Path.cwd()): "backend",
    }
    for folder, name in names.items():
        text = text.replace(folder.encode(), name.encode()) if len(folder) > 1 else text
    return text


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a child and all that it started: a session leader's process id is also its group's, as long as one
    of them lives.
    """
    with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS says so by the second
        os.killpg(process.pid, signal.SIGKILL)

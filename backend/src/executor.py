"""Where evaluations run: each in a child process of its own on this machine, watched until it ends."""

from __future__ import annotations

import logging
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from errno import EDQUOT, ENOSPC
from pathlib import Path
from threading import Lock, Thread
from typing import Protocol

from src.disk import make_room
from src.job import (
    FAILURE_FILE,
    JOB_FILE,
    LOG_FILE,
    PROGRESS_FILE,
    REPORT_FILE,
    End,
    Ending,
    Failure,
    Job,
    Progress,
    Work,
    read_json,
    write_json,
)
from src.launchers import Child, Launcher
from src.logs import read_log
from src.memory import kills_for_memory
from src.shared.errors import BadFile
from src.shared.json_file import read_object
from src.watch import Limits, watch

log = logging.getLogger(__name__)

SECONDS_TO_DIE = 60.0
"""How long a process that is killed may take to be gone: one that waits for a disk takes its time."""

TAIL_BYTES = 4_000
"""How much of the end of a running child's log is shown."""


class Executor(Protocol):
    """Runs evaluations somewhere. A claim's nonce names its evaluation."""

    def start(self, nonce: str, job: Job) -> None:
        """Begin an evaluation; what goes wrong, at the start too, becomes its ending."""

    def progress(self) -> Mapping[str, Progress | None]:
        """How far each evaluation is that runs, as far as it has said."""

    def endings(self) -> Mapping[str, Ending]:
        """The evaluations that have ended and were not forgotten yet."""

    def log(self, nonce: str) -> str:
        """The end of the log of an evaluation that runs; empty when there is none."""

    def forget(self, nonce: str) -> None:
        """Let go of an evaluation, and stop it if it still runs."""

    def close(self) -> None:
        """Stop everything."""


@dataclass
class _Running:
    """One running evaluation: its process and its folder."""

    process: Child
    folder: Path
    job: Job

    @property
    def names(self) -> Mapping[str, str]:
        """What its log says in place of this machine's folders."""
        weights = self.job.weights if Path(self.job.weights).is_absolute() else ""
        folders = {str(self.folder): "job", sys.prefix: "python", str(Path.cwd()): "backend"}
        return folders | {weights: self.job.model}


class ProcessExecutor:
    """One child process per evaluation, in its own process group, with a clean environment, within limits.

    Each runs on the device that has the fewest running; `free_disk` is how many bytes the disk should have
    free after each.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limits: Limits,
        launcher: Launcher,
        work: Work = Work.EVALUATE,
        devices: Sequence[str] = ("cpu",),
        free_disk: int = 0,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._folder = folder
        self._limits = limits
        self._devices = devices
        self._free_disk = free_disk
        self._on_end = on_end
        self._launcher = launcher
        self._work = work
        self._lock = Lock()
        self._wanted: set[str] = set()
        self._children: dict[str, _Running] = {}
        self._endings: dict[str, Ending] = {}

    def start(self, nonce: str, job: Job) -> None:
        """Start a child; when even that fails (a full disk, no memory), the evaluation has crashed."""
        folder = self._folder / "jobs" / nonce
        job = replace(job, device=self._free_device(), kept_tasks=str(self._folder / "kept"))
        with self._lock:
            self._wanted.add(nonce)
        try:
            child = _Running(self._launch(folder, job), folder, job)
        except OSError as error:
            log.exception("could not start the evaluation of %s", job.model)
            end = End.DISK_FULL if error.errno in (ENOSPC, EDQUOT) else End.CRASHED
            reason = error.strerror or error
            self._end(nonce, Ending(end, f"The evaluation could not be started: {reason}."))
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

    def log(self, nonce: str) -> str:
        """What a running child logged last."""
        with self._lock:
            child = self._children.get(nonce)
        return (
            read_log(child.folder / LOG_FILE, TAIL_BYTES, child.names).decode(errors="replace")
            if child
            else ""
        )

    def forget(self, nonce: str) -> None:
        """Drop an ending, or kill the child: its ending is then dropped when it comes."""
        with self._lock:
            self._wanted.discard(nonce)
            self._endings.pop(nonce, None)
            child = self._children.get(nonce)
        if child:
            child.process.kill()

    def close(self) -> None:
        """Kill every child and wait until it is gone."""
        with self._lock:
            children = dict(self._children)
        for nonce, child in children.items():
            self.forget(nonce)
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(SECONDS_TO_DIE)
        with self._lock:
            self._children.clear()  # without waiting until each has been tidied up

    def _free_device(self) -> str:
        with self._lock:
            busy = Counter(child.job.device for child in self._children.values())
        return min(self._devices, key=lambda device: busy[device])

    def _launch(self, folder: Path, job: Job) -> Child:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / JOB_FILE, job)
        return self._launcher.launch(self._work, folder)

    def _watch(self, nonce: str, child: _Running) -> None:
        """Wait for one child, and turn what it left into an ending."""
        killed_before = kills_for_memory()
        stopped = watch(child.process, child.folder / PROGRESS_FILE, self._limits)
        child.process.kill()  # what the child started must not outlive it
        status = _exit_status(child.process)
        memory_ran_out = kills_for_memory() > killed_before
        ending = stopped or _ending(status, child.folder, memory_ran_out=memory_ran_out)
        ending = replace(ending, log=read_log(child.folder / LOG_FILE, names=child.names))
        shutil.rmtree(child.folder, ignore_errors=True)
        self._end(nonce, ending)
        self._make_room()

    def _make_room(self) -> None:
        with self._lock:
            in_use = {child.job.model for child in self._children.values()}
        try:
            make_room(self._folder / "hf" / "hub", wanted=self._free_disk, in_use=in_use)
        except OSError as error:
            log.warning("could not make room on the disk: %s", error)

    def _end(self, nonce: str, ending: Ending) -> None:
        with self._lock:
            self._children.pop(nonce, None)
            if nonce in self._wanted:
                self._endings[nonce] = ending
        self._on_end()


def _exit_status(process: Child) -> int:
    """That of a process that has ended, or was killed."""
    try:
        status = process.wait(SECONDS_TO_DIE)
    except subprocess.TimeoutExpired:  # the system cannot let go of it yet; nothing more will come of it
        return -signal.SIGKILL
    process.close()
    return status


def _ending(returncode: int, folder: Path, *, memory_ran_out: bool) -> Ending:
    """How a child ended, from its exit code and the files that it left, none of which is trusted."""
    if returncode == 0:
        try:
            return Ending(End.FINISHED, "", report=read_object((folder / REPORT_FILE).read_bytes()))
        except (OSError, BadFile) as error:
            return Ending(End.CRASHED, f"The evaluation ended without a report that can be read: {error}.")
    if failure := read_json(folder / FAILURE_FILE, Failure):
        return Ending(failure.end, failure.message)
    if returncode == -signal.SIGKILL and memory_ran_out:
        return Ending(
            End.OUT_OF_MEMORY, "The machine ran out of memory, and the system ended the evaluation."
        )
    if returncode < 0:
        name = signal.Signals(-returncode).name
        return Ending(End.CRASHED, f"The evaluation was killed by the signal {name}.")
    return Ending(
        End.CRASHED, f"The evaluation broke off with an error (exit status {returncode}); its log says more."
    )

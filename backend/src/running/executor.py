"""Runs each evaluation in a child process on this machine, and watches it until it ends."""

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

from src.running.disk import make_room
from src.running.handed_token import hand_token
from src.running.job import (
    BEGUN_FILE,
    FAILURE_FILE,
    JOB_FILE,
    LOG_FILE,
    NEEDS_MORE_MEMORY,
    PROGRESS_FILE,
    REPORT_FILE,
    REPORTED_BY_A_CHILD,
    SAMPLES_FOLDER,
    End,
    Ending,
    Failure,
    Job,
    Progress,
    Work,
    read_json,
    write_json,
)
from src.running.launchers import Child, Launcher
from src.running.logs import cleaned, read_log
from src.running.memory import kills_for_memory
from src.running.watch import ChildLimits, watch
from src.shared.data.json_file import read_object
from src.shared.errors import BadFile

log = logging.getLogger(__name__)

SECONDS_TO_DIE = 60.0
"""How long a killed process may take to disappear. One that waits for a disk can take a while."""

TAIL_BYTES = 4_000
"""How much of the end of a running child's log the page shows."""

TOLD_TO_END = (
    "Something outside the leaderboard told the evaluation to end, as a cluster does with all processes of a "
    "cancelled job. The model is not at fault."
)
"""No worker sends SIGTERM to an evaluation."""

NOT_BEGUN = (
    "The worker could not start the evaluation: its process {}. The leaderboard's owner has to find out why; "
    "the model is not at fault."
)

LONGEST_MESSAGE = 1_000
"""The most characters of a child's failure message that are kept."""

NOT_WATCHED = (
    "The worker could not monitor the evaluation and stopped it. The leaderboard's owner can find details in "
    "the worker's log; the model is not at fault."
)


class Executor(Protocol):
    """Runs evaluations somewhere. The nonce of a claim identifies its evaluation."""

    def start(self, nonce: str, job: Job) -> None:
        """Start an evaluation. Any failure, even at the start, becomes its ending."""

    def progress(self) -> Mapping[str, Progress | None]:
        """Return the last reported progress of each running evaluation."""

    def endings(self) -> Mapping[str, Ending]:
        """Return the evaluations that have ended and are not forgotten yet."""

    def log(self, nonce: str) -> str:
        """Return the end of a running evaluation's log; empty when there is none."""

    def forget(self, nonce: str) -> None:
        """Drop an evaluation. Stop it if it still runs."""

    def close(self) -> None:
        """Stop everything."""


@dataclass
class _RunningChild:
    """One running evaluation: its process, folder and job."""

    process: Child
    folder: Path
    job: Job

    @property
    def names(self) -> Mapping[str, str]:
        """Return the names that replace this machine's folders in its log."""
        folders = {str(self.folder): "job", sys.prefix: "python", str(Path.cwd()): "backend"}
        models = {part.weights: part.model for part in self.job.parts if Path(part.weights).is_absolute()}
        return folders | models


class ProcessExecutor:
    """Runs each evaluation in a child process, in its own process group, with a clean environment and limits.

    A child whose model runs on a server gets the `inference_token`, if there is one. Each child runs on the
    device with the fewest running evaluations. After each, models are removed until `free_disk` bytes of the
    disk are free.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limits: ChildLimits,
        launcher: Launcher,
        work: Work = Work.EVALUATE,
        devices: Sequence[str] = ("cpu",),
        free_disk: int = 0,
        inference_token: str | None = None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._folder = folder
        self._inference_token = inference_token
        self._limits = limits
        self._devices = devices
        self._free_disk = free_disk
        self._on_end = on_end
        self._launcher = launcher
        self._work = work
        self._lock = Lock()
        self._cache = Lock()
        """Held while a child starts to use weights, and while weights are removed."""
        self._wanted: set[str] = set()
        self._children: dict[str, _RunningChild] = {}
        self._endings: dict[str, Ending] = {}

    def start(self, nonce: str, job: Job) -> None:
        """Start a child. If even that fails (a full disk, no memory), the worker is at fault."""
        folder = self._folder / "jobs" / nonce
        job = replace(job, device=self._free_device(), kept_tasks=str(self._folder / "kept"))
        with self._lock:
            self._wanted.add(nonce)
        try:
            child = self._launch(nonce, folder, job)
            Thread(target=self._watch, args=(nonce, child), name=f"watch {job.model}", daemon=True).start()
        except (OSError, RuntimeError) as error:  # RuntimeError: no more threads can be started
            log.exception("could not start the evaluation of %s", job.model)
            if begun := self._kill(nonce):
                _exit_status(begun.process)
            shutil.rmtree(folder, ignore_errors=True)
            self._end(nonce, _not_started(error))

    def progress(self) -> Mapping[str, Progress | None]:
        """Return what each running child wrote last."""
        with self._lock:
            running = {nonce: child.folder for nonce, child in self._children.items()}
        return {nonce: read_json(folder / PROGRESS_FILE, Progress) for nonce, folder in running.items()}

    def endings(self) -> Mapping[str, Ending]:
        """Return how each child ended that is not forgotten yet."""
        with self._lock:
            return dict(self._endings)

    def log(self, nonce: str) -> str:
        """Return what a running child logged last."""
        with self._lock:
            child = self._children.get(nonce)
        return (
            read_log(child.folder / LOG_FILE, TAIL_BYTES, child.names).decode(errors="replace")
            if child
            else ""
        )

    def forget(self, nonce: str) -> None:
        """Drop an ending, or kill the child and drop its ending when it comes."""
        with self._lock:
            self._wanted.discard(nonce)
            ending = self._endings.pop(nonce, None)
        if ending and ending.samples:
            shutil.rmtree(ending.samples, ignore_errors=True)
        self._kill(nonce)

    def close(self) -> None:
        """Kill every child and wait until it is gone."""
        with self._lock:
            children = dict(self._children)
        for nonce, child in children.items():
            self.forget(nonce)
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(SECONDS_TO_DIE)
        with self._lock:
            self._children.clear()  # do not wait until each has been cleaned up

    def _free_device(self) -> str:
        with self._lock:
            busy = Counter(child.job.device for child in self._children.values())
        return min(self._devices, key=lambda device: busy[device])

    def _launch(self, nonce: str, folder: Path, job: Job) -> _RunningChild:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / JOB_FILE, job)
        if job.server and self._inference_token:
            hand_token(folder, self._inference_token)
        with self._cache:
            child = _RunningChild(self._launcher.launch(self._work, folder), folder, job)
            with self._lock:
                self._children[nonce] = child
        return child

    def _kill(self, nonce: str) -> _RunningChild | None:
        """Kill the child, if there is one, and return it."""
        with self._lock:
            child = self._children.get(nonce)
        if child:
            child.process.kill()
        return child

    def _watch(self, nonce: str, child: _RunningChild) -> None:
        """Watch one child until there is an ending. Without one, its request would stay RUNNING forever."""
        try:
            ending = self._end_of(child)
            if child.job.save_samples and ending.report is not None:
                ending = replace(ending, samples=self._set_aside(nonce, child.folder / SAMPLES_FOLDER))
        except Exception:
            log.exception("could not watch the evaluation of %s", child.job.model)
            ending = Ending(End.WORKER, NOT_WATCHED)
        shutil.rmtree(child.folder, ignore_errors=True)
        self._end(nonce, ending)
        self._make_room()

    def _set_aside(self, nonce: str, samples: Path) -> Path | None:
        """Move a child's files of samples out of its folder, and return where they are, if there are any.

        If they cannot be moved, the result comes without them.
        """
        if not samples.is_dir() or samples.is_symlink():
            return None
        place = self._folder / SAMPLES_FOLDER / nonce
        try:
            shutil.rmtree(place, ignore_errors=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            samples.replace(place)
        except OSError:
            log.exception("could not keep the samples in %s", samples)
            return None
        return place

    def _end_of(self, child: _RunningChild) -> Ending:
        """Wait for one child, and turn what it left into an ending."""
        try:
            killed_before = kills_for_memory()
            stopped = watch(child.process, child.folder, self._limits)
        finally:
            child.process.kill()  # also kill what the child started
            status = _exit_status(child.process)
        memory_ran_out = kills_for_memory() > killed_before
        ending = stopped or _ending(status, child, memory_ran_out=memory_ran_out)
        return replace(ending, log=read_log(child.folder / LOG_FILE, names=child.names))

    def _make_room(self) -> None:
        folder = self._folder / "hf" / "hub"
        try:
            make_room(folder, wanted=self._free_disk, in_use=self._weights_in_use, lock=self._cache)
        except OSError as error:
            log.warning("could not make room on the disk: %s", error)

    def _weights_in_use(self) -> set[str]:
        """Return the weights in use. The cache knows them by these names, not by the models' names."""
        with self._lock:
            return {part.weights for child in self._children.values() for part in child.job.parts}

    def _end(self, nonce: str, ending: Ending) -> None:
        with self._lock:
            self._children.pop(nonce, None)
            is_wanted = nonce in self._wanted
            if is_wanted:
                self._endings[nonce] = ending
        if ending.samples and not is_wanted:
            shutil.rmtree(ending.samples, ignore_errors=True)
        self._on_end()


def _exit_status(process: Child) -> int:
    """Return the exit status of a process that has ended or was killed."""
    try:
        status = process.wait(SECONDS_TO_DIE)
    except subprocess.TimeoutExpired:  # the system still holds it, but it will do nothing more
        return -signal.SIGKILL
    process.close()
    return status


def _not_started(error: OSError | RuntimeError) -> Ending:
    """Return the ending of an evaluation that could not start because of this error."""
    is_full = isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT)
    reason = getattr(error, "strerror", None) or error
    return Ending(End.DISK_FULL if is_full else End.WORKER, f"The evaluation could not be started: {reason}.")


def _ending(status: int, child: _RunningChild, *, memory_ran_out: bool) -> Ending:
    """Return how a child ended, from its exit status and its files, none of which are trusted."""
    failure = read_json(child.folder / FAILURE_FILE, Failure)
    if status != 0 and failure and failure.end in REPORTED_BY_A_CHILD:
        message = cleaned(failure.message[:LONGEST_MESSAGE].encode(errors="replace"), child.names)
        return Ending(failure.end, message.decode(errors="replace"))
    if status == -signal.SIGKILL and memory_ran_out:
        return Ending(
            End.OUT_OF_MEMORY,
            f"The machine ran out of memory, so the system killed the evaluation. {NEEDS_MORE_MEMORY}",
        )
    if child.process.fault:
        return Ending(End.WORKER, child.process.fault)
    if status == -signal.SIGTERM:
        return Ending(End.WORKER, TOLD_TO_END)
    if not any((child.folder / file).exists() for file in (BEGUN_FILE, REPORT_FILE)):
        return Ending(End.WORKER, NOT_BEGUN.format(_meaning_of(status)))
    if status != 0:
        return Ending(End.CRASHED, f"The evaluation {_meaning_of(status)}.")
    return _finished(child.folder)


def _finished(folder: Path) -> Ending:
    """Return the ending of a successful child, if its report can be read."""
    try:
        return Ending(End.FINISHED, "", report=read_object((folder / REPORT_FILE).read_bytes()))
    except (OSError, BadFile) as error:
        return Ending(End.CRASHED, f"The evaluation left no readable report: {error}.")


def _meaning_of(status: int) -> str:
    """Return what an exit status means, as the end of a sentence."""
    if status == 0:
        return "ended without a report"
    if status > 0:
        return f"failed with exit status {status}; see its log"
    try:
        return f"was killed by signal {signal.Signals(-status).name}"
    except ValueError:  # real-time signals have no names
        return f"was killed by signal {-status}"

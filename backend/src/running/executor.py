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
from pathlib import Path
from threading import Lock, Thread
from typing import Protocol

from src.running.child_endings import ending_of, not_started
from src.running.disk import make_room
from src.running.handed_token import hand_token
from src.running.job import (
    JOB_FILE,
    LOG_FILE,
    PROGRESS_FILE,
    SAMPLES_FOLDER,
    End,
    Ending,
    Job,
    Progress,
    Work,
    read_json,
    write_json,
)
from src.running.launchers import Child, Launcher
from src.running.logs import read_log
from src.running.memory import kills_for_memory
from src.running.watch import ChildLimits, watch

log = logging.getLogger(__name__)

SECONDS_TO_DIE = 60.0
"""How long a killed process may take to disappear. One that waits for a disk can take a while."""

TAIL_BYTES = 4_000
"""How much of the end of a running child's log the page shows."""

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
            self._end(nonce, not_started(error))

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
        ending = stopped or ending_of(
            status,
            child.folder,
            names=child.names,
            fault=child.process.fault,
            memory_ran_out=memory_ran_out,
        )
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

"""The Jobs of a Hub: commands that really run, as processes that have only what a Job would have.

hub.jobs.all                                  # every job that ever was, with its times and its log
hub.jobs.of("acme")                           # those of a namespace
hub.jobs.trouble_next(Fate.SOLD_OUT)          # the next one waits for a machine until `release`
hub.jobs.sold_out.add("l4x1")                 # so do all of a flavour
hub.jobs.release(job)                         # now it starts
hub.jobs.kill(job)                            # its node is gone: nobody in it hears of that
hub.jobs.time_out(job)                        # its time is over
hub.jobs.can_pay = False                      # starting one answers 402
hub.jobs.add("acme", labels={"a": "b"})       # one that somebody else made; it has no process
hub.jobs.environment["HF_ENDPOINT"] = hub.url # what every container of this Hub has besides

A job is a process in a session of its own, in an empty folder that is its home. Its environment has `env`
and `secrets` as they were given, JOB_ID, ACCELERATOR, CPU_CORES, MEMORY, PATH, HOME and TMPDIR, and nothing
of the tests' environment. `images` says which folder of programs is the PATH of an image. The rest of this
machine's files can be seen, since it is no container.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from threading import RLock, Thread, Timer
from typing import Any

from .job_flavours import FLAVOURS, JobFlavour
from .refusals import NotFound

TIMEOUT = timedelta(minutes=30)
"""What ends a job that was started without a timeout of its own."""

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


class JobStage(StrEnum):
    """What the Hub calls the stages of a job."""

    SCHEDULING = "SCHEDULING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"
    ERROR = "ERROR"


OVER = (JobStage.COMPLETED, JobStage.CANCELED, JobStage.ERROR)

TIMED_OUT = "Job timeout"
FAILED = "Job failed with exit code: {}"
LOST = "Job failed: the node was lost"


class Fate(StrEnum):
    """What goes wrong with a job that was made."""

    SOLD_OUT = "sold out"
    """It stays in SCHEDULING until it is released: there is no such machine at the moment."""
    CRASHING = "crashing"
    """It ends in ERROR before its command has printed anything: the image cannot be started."""


@dataclass
class Job:
    """A job, and what became of it. `body` is what its maker sent, with the secrets."""

    id: str
    namespace: str
    creator: str
    body: Mapping[str, Any] = field(repr=False)
    flavour: JobFlavour
    created: datetime
    stage: JobStage = JobStage.SCHEDULING
    message: str | None = None
    started: datetime | None = None
    finished: datetime | None = None
    log: list[tuple[datetime, str]] = field(default_factory=list, repr=False)
    """The lines that it has printed, with their times."""
    process: subprocess.Popen[str] | None = field(default=None, repr=False)
    is_held: bool = False

    @property
    def labels(self) -> dict[str, str]:
        """As its maker sent them."""
        return dict(self.body.get("labels") or {})

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.stage in OVER

    @property
    def timeout(self) -> timedelta:
        """After this long it is ended."""
        seconds = self.body.get("timeoutSeconds")
        return TIMEOUT if seconds is None else timedelta(seconds=float(seconds))

    @property
    def billed(self) -> timedelta:
        """For how long it cost money: while it ran."""
        return (self.finished or _now()) - self.started if self.started else timedelta()

    @property
    def dollars(self) -> float:
        """What it has cost."""
        return self.flavour.price * self.billed / timedelta(hours=1)

    @property
    def text(self) -> str:
        """All that it has printed."""
        return "".join(f"{line}\n" for _, line in list(self.log))


@dataclass
class JobsOfAHub:
    """All Jobs of a Hub. Tests, calls and processes that end use it from several threads."""

    all: list[Job] = field(default_factory=list)
    flavours: list[JobFlavour] = field(default_factory=lambda: list(FLAVOURS))
    can_pay: bool = True
    sold_out: set[str] = field(default_factory=set)
    start_delay: timedelta = timedelta()
    """How long a job stays in SCHEDULING in which nothing goes wrong."""
    images: dict[str, Path] = field(default_factory=dict)
    """The folder of programs of each image. An image that is not here has the system's programs only."""
    environment: dict[str, str] = field(default_factory=dict)
    """Variables that every job has besides: where the Hub is, since this one is not huggingface.co."""
    page: int = 100
    """How many jobs an answer lists at most."""
    unlisted: int = 0
    """How many of the newest jobs of a namespace lists lack, since they lag."""
    _fates: deque[Fate] = field(default_factory=deque)
    _threads: list[Thread] = field(default_factory=list, repr=False)
    _lock: RLock = field(default_factory=RLock, repr=False)

    def of(self, namespace: str) -> list[Job]:
        """The jobs of a namespace, the newest first."""
        with self._lock:
            return [each for each in reversed(self.all) if each.namespace == namespace]

    @property
    def going(self) -> list[Job]:
        """Those that wait or run."""
        with self._lock:
            return [each for each in self.all if not each.is_over]

    @property
    def dollars(self) -> float:
        """What all of them have cost."""
        return sum(each.dollars for each in list(self.all))

    def get(self, namespace: str, id: str) -> Job:
        """One of them. Raises NotFound."""
        found = next((each for each in self.of(namespace) if each.id == id), None)
        if found is None:
            raise NotFound("Job not found")
        return found

    def flavour(self, name: str) -> JobFlavour | None:
        """The flavour of this name, if there is one."""
        return next((each for each in self.flavours if each.name == name), None)

    def trouble_next(self, fate: Fate | str, *, times: int = 1) -> None:
        """Let something go wrong with the next jobs."""
        self._fates += [Fate(fate)] * times

    def create(self, namespace: str, creator: str, body: Mapping[str, Any], flavour: JobFlavour) -> Job:
        """Make a job, which waits for its start."""
        with self._lock:
            return self._new(namespace, creator, body, flavour)

    def start(self, job: Job) -> None:
        """Start a job that waits for it, unless something is wrong with it."""
        with self._lock:
            fate = self._fates.popleft() if self._fates else None
        if fate is Fate.CRASHING:
            self._end(job, JobStage.ERROR, FAILED.format(128))
        elif fate is Fate.SOLD_OUT or job.flavour.name in self.sold_out:
            job.is_held = True
        else:
            self._start_later(job)

    def add(
        self,
        namespace: str,
        *,
        labels: Mapping[str, str] | None = None,
        stage: str = JobStage.RUNNING,
        flavour: str = "l4x1",
        age: timedelta = timedelta(),
        command: list[str] | None = None,
    ) -> Job:
        """A job that somebody made in another way, so long ago. It has no process."""
        kind = self.flavour(flavour)
        assert kind, flavour
        body = {"command": command or ["true"], "dockerImage": "ubuntu", "flavor": flavour}
        with self._lock:
            job = self._new(namespace, "somebody", {**body, "labels": dict(labels or {})}, kind)
            job.created -= age
            job.stage = JobStage(stage)
            job.started = job.created if job.stage is not JobStage.SCHEDULING else None
            job.finished = _now() if job.is_over else None
        return job

    def release(self, job: Job) -> None:
        """Let a job start that waits for a machine."""
        assert job.is_held, f"{job.id} is not held"
        job.is_held = False
        self._start_later(job)

    def cancel(self, namespace: str, id: str) -> Job:
        """End a job; one that has ended stays as it is. Raises NotFound."""
        job = self.get(namespace, id)
        self._stop(job, JobStage.CANCELED, None)
        return job

    def kill(self, job: Job) -> None:
        """Lose the machine of a job: everything in it is gone at once."""
        self._stop(job, JobStage.ERROR, LOST)

    def time_out(self, job: Job) -> None:
        """End a job as its timeout does, whenever that would be."""
        self._stop(job, JobStage.ERROR, TIMED_OUT)

    def close(self) -> None:
        """End all jobs."""
        for job in self.going:
            self._stop(job, JobStage.CANCELED, None)
        for thread in self._threads:
            thread.join()

    def _new(self, namespace: str, creator: str, body: Mapping[str, Any], flavour: JobFlavour) -> Job:
        id = f"68{len(self.all):06x}{os.urandom(8).hex()}"
        job = Job(id, namespace, creator, body, flavour, _now())
        self.all.append(job)
        return job

    def _start_later(self, job: Job) -> None:
        thread: Thread = Timer(self.start_delay.total_seconds(), self._run, (job,))
        thread.daemon = True
        self._threads.append(thread)
        thread.start()

    def _run(self, job: Job) -> None:
        """Run the command of a job to its end, its timeout, or until somebody ends it."""
        folder = Path(tempfile.mkdtemp(prefix="job-"))
        try:
            with self._lock:
                if job.is_over:
                    return
                job.started, job.stage = _now(), JobStage.RUNNING
                job.process = self._process(job, folder)
            timer = Timer(job.timeout.total_seconds(), self._stop, (job, JobStage.ERROR, TIMED_OUT))
            reader = Thread(target=_read, args=(job, job.process), daemon=True)
            timer.daemon = True
            timer.start()
            reader.start()
            status = job.process.wait()
            timer.cancel()
            _end_all(job)  # what it left in the background ends with it, and lets go of the pipe
            reader.join()
            if status:
                self._end(job, JobStage.ERROR, FAILED.format(status))
            else:
                self._end(job, JobStage.COMPLETED, None)
        except OSError as error:  # as for a command that the image does not have
            self._end(job, JobStage.ERROR, str(error))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _process(self, job: Job, folder: Path) -> subprocess.Popen[str]:
        """Start the command of a job."""
        return subprocess.Popen(
            [*map(str, job.body["command"]), *map(str, job.body.get("arguments") or ())],
            cwd=folder,
            env=self.variables(job, folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def variables(self, job: Job, folder: Path) -> dict[str, str]:
        """The whole environment of a job."""
        programs = self.images.get(str(job.body.get("dockerImage")))
        given = {**(job.body.get("environment") or {}), **(job.body.get("secrets") or {})}
        return {
            "PATH": f"{programs}:{SYSTEM_PATH}" if programs else SYSTEM_PATH,
            "HOME": str(folder),
            "TMPDIR": str(folder),
            **self.environment,
            **{str(name): str(value) for name, value in given.items()},
            "JOB_ID": job.id,
            "ACCELERATOR": job.flavour.accelerator,
            "CPU_CORES": str(job.flavour.cpus),
            "MEMORY": f"{job.flavour.memory}Gi",
        }

    def _stop(self, job: Job, stage: JobStage, message: str | None) -> None:
        """End a job and all its processes, if it has not ended."""
        self._end(job, stage, message)
        _end_all(job)

    def _end(self, job: Job, stage: JobStage, message: str | None) -> None:
        with self._lock:
            if not job.is_over:
                job.stage, job.message, job.finished, job.is_held = stage, message, _now(), False


def processes_of(job: Job) -> list[int]:
    """The processes of a job that are alive: its command's session and all that descend from it."""
    if job.process is None:
        return []
    parents, sessions = {}, {}
    for each in Path("/proc").iterdir():
        if not each.name.isdecimal():
            continue
        with suppress(OSError, IndexError):
            fields = (each / "stat").read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                parents[int(each.name)], sessions[int(each.name)] = int(fields[1]), int(fields[3])
    root = job.process.pid
    found = {id for id, session in sessions.items() if root in (id, session)}
    while more := {id for id, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found)


def _read(job: Job, process: subprocess.Popen[str]) -> None:
    """Keep what a process prints, until nobody can print any more."""
    assert process.stdout
    with process.stdout as lines:
        for line in lines:
            job.log.append((_now(), line.rstrip("\n")))


def _end_all(job: Job) -> None:
    """Kill everything that a job has started, again until nothing is left, as when a container ends."""
    while found := processes_of(job):
        for id in found:
            with suppress(ProcessLookupError):
                os.kill(id, signal.SIGKILL)
        if job.process and job.process.pid in found:
            job.process.wait()


def _now() -> datetime:
    return datetime.now(UTC)

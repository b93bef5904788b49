"""What a worker and a child process exchange: the job, and the files that the child writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from src.running.inference import Hardware, Server
from src.running.suite import PEFT, Suite
from src.shared.data.backend_description import BackendDescription
from src.shared.data.ends import End
from src.shared.data.request import Progress

T = TypeVar("T")

__all__ = ["End", "Ending", "Failure", "Job", "Progress", "read_json", "write_json"]

JOB_FILE = "job.json"
PROGRESS_FILE = "progress.json"
REPORT_FILE = "report.json"
FAILURE_FILE = "failure.json"
LOG_FILE = "log.txt"
SAMPLES_FOLDER = "samples"
"""A file of samples for each task, if the job keeps them."""
BEGUN_FILE = "begun"
"""An empty file: the child has imported everything, so from now on a failure may be the model's fault."""

NEEDS_MORE_MEMORY = "Submit a smaller model, or ask the leaderboard's owner for a larger worker."
"""What to do about a model that needs too much memory."""


class Work(StrEnum):
    """What a child process should do. The value is its first argument."""

    EVALUATE = "evaluate"
    """Evaluate the model of the job in the folder that follows."""
    DESCRIBE = "describe"
    """Describe the suite of that job, without a model."""
    TRY = "try"
    """Describe the suite of that job, and try each of its tasks on a few questions."""
    WARM = "warm"
    """Import what evaluations need, for the suite in the file that follows, and fork a child per order."""


@dataclass(frozen=True, kw_only=True)
class BaseModel:
    """The whole model that an adapter is put onto. The fields are those of a job."""

    model: str
    weights: str
    commit: str | None


@dataclass(frozen=True, kw_only=True)
class Job(Suite):
    """The job of one evaluation child: the suite, and the model to run it on."""

    model: str
    """The model's name, as the request has it."""
    weights: str
    """What transformers loads: a folder on this machine, or a model's name on the Hub."""
    commit: str | None
    """The commit of a model on the Hub."""
    precision: str
    base: BaseModel | None = None
    """The base model of an adapter; None for a whole model."""
    hardware: Hardware | None = None
    """What to rent for the model, if anything."""
    server: Server | None = None
    """The server that answers for the model; None if the child computes the answers."""
    use_chat_template: bool = False
    kept_tasks: str | None = None
    """The worker's folder for reports of single tasks, so that an attempt can continue an interrupted one."""
    run: str | None = None
    """The run of the request. Only attempts of the same run share reports of single tasks."""

    @property
    def whole_model(self) -> Job:
        """The same job for the whole model that is loaded first: an adapter's base, or else the model."""
        return replace(self, **vars(self.base), base=None) if self.base else self

    @property
    def parts(self) -> tuple[Job, ...]:
        """The same job for each repository that it loads, the whole model first."""
        return (self.whole_model, self) if self.base else (self,)

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages on whose versions the scores depend."""
        return (*super().packages, PEFT) if self.base else super().packages


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a child reports after trying a suite."""

    description: BackendDescription
    """The description of the suite, including its problems."""
    unanswered: tuple[str, ...] = ()
    """The tasks whose questions could not be fetched, because the Hub or another site did not answer."""


REPORTED_BY_A_CHILD = {
    End.REFUSED,
    End.INVALID,
    End.OUT_OF_MEMORY,
    End.UNREACHABLE,
    End.DISK_FULL,
    End.WORKER,
    End.CRASHED,
}
"""The ends that a child can report. The worker itself determines every other end."""


@dataclass(frozen=True)
class Failure:
    """What a child reports about an evaluation that it could not finish."""

    end: End
    """One of REPORTED_BY_A_CHILD."""
    message: str
    """A sentence for the model's submitter."""


@dataclass(frozen=True)
class Ending:
    """What remains of a child that has ended."""

    end: End
    message: str
    """How it ended, in a sentence for the model's submitter."""
    report: Mapping[str, object] | None = None
    """The report, only with `End.FINISHED`."""
    log: bytes = b""
    samples: Path | None = None
    """The folder with files of samples, until the evaluation is forgotten."""


def write_json(path: Path, value: object) -> None:
    """Write a dataclass as JSON, atomically: a reader sees the old file or the new one, never a part."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(TypeAdapter(type(value)).dump_json(value))
    part.replace(path)


def read_json(path: Path, kind: type[T]) -> T | None:
    """Read such a file. None if it cannot be read or does not contain a `kind`."""
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None

"""One evaluation as its child process sees it: what it is told, the files that it writes, and how it can
end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from src.running.suite import Suite
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
BEGUN_FILE = "begun"
"""An empty file: the child has imported all that it needs, and what goes wrong from now on may be the model's
fault.
"""

NEEDS_MORE_MEMORY = "Submit a smaller model, or ask the leaderboard's owner for a larger worker."
"""What to do about a model that is too large, whoever noticed it."""


class Work(StrEnum):
    """What a child process is to do; the value is its first argument."""

    EVALUATE = "evaluate"
    """Evaluate the model of the job in the folder that follows."""
    DESCRIBE = "describe"
    """Describe the suite of that job, without a model."""
    TRY = "try"
    """Describe the suite of that job, and try each of its tasks on a few questions."""
    WARM = "warm"
    """Import what evaluations need, for the suite in the file that follows, and fork a child per order."""


@dataclass(frozen=True, kw_only=True)
class Job(Suite):
    """What one evaluation child is told: the suite, and the model to run it on.

    `weights` is what transformers loads: a folder on this machine, or a model's name on the Hub together with
    `commit`. `kept_tasks` is a folder of this worker's for the reports of single tasks, so that an attempt
    goes on where an earlier one of the same `run` was cut short.
    """

    model: str
    weights: str
    commit: str | None
    precision: str
    use_chat_template: bool = False
    kept_tasks: str | None = None
    run: str | None = None


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a child reports of a suite: its description, with its problems, and the tasks of which no question
    could be fetched, because the Hub or another site did not answer.
    """

    description: BackendDescription
    unanswered: tuple[str, ...] = ()


REPORTED_BY_A_CHILD = {
    End.REFUSED,
    End.INVALID,
    End.OUT_OF_MEMORY,
    End.UNREACHABLE,
    End.DISK_FULL,
    End.WORKER,
    End.CRASHED,
}
"""How a child may say that it ended; of every other end its worker knows."""


@dataclass(frozen=True)
class Failure:
    """What a child says of an evaluation that it could not finish: how it ended, which is one of
    REPORTED_BY_A_CHILD, and one sentence that the model's submitter understands.
    """

    end: End
    message: str


@dataclass(frozen=True)
class Ending:
    """What is left of a child that ended: how, in one sentence, and its log; the report only if it is
    `End.FINISHED`.
    """

    end: End
    message: str
    report: Mapping[str, object] | None = None
    log: bytes = b""


def write_json(path: Path, value: object) -> None:
    """Write a dataclass of this module as JSON: a reader sees the old file or the new one, never a part."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(TypeAdapter(type(value)).dump_json(value))
    part.replace(path)


def read_json(path: Path, kind: type[T]) -> T | None:
    """Read such a file; None while it cannot be read, or when what is there is not a `kind`."""
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None

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

from src.shared.request import Progress
from src.suite import Suite

T = TypeVar("T")

__all__ = ["End", "Ending", "Job", "Progress", "Refusal", "read_json", "write_json"]

JOB_FILE = "job.json"
PROGRESS_FILE = "progress.json"
REPORT_FILE = "report.json"
REFUSAL_FILE = "refusal.json"
LOG_FILE = "log.txt"

DESCRIBE = "--describe"
"""Before the folder, it makes the child describe the job's suite instead of evaluating the model on it."""


@dataclass(frozen=True, kw_only=True)
class Job(Suite):
    """What one evaluation child is told: the suite, and the model to run it on.

    `weights` is what transformers loads: a folder on this machine, or a model's name on the Hub together with
    `commit`.
    """

    model: str
    weights: str
    commit: str | None
    precision: str
    use_chat_template: bool = False


@dataclass(frozen=True)
class Refusal:
    """Why a model cannot be evaluated, as one sentence that its submitter understands."""

    message: str


class End(StrEnum):
    """How an evaluation ended; the value is what `history` in the request file says."""

    FINISHED = "finished"
    """The report is there and every task has a score."""
    REFUSED = "refused"
    """The child said in one sentence why this model cannot be evaluated; trying again would give the same."""
    CRASHED = "crashed"
    """The child died without a word: a signal, or an error that nobody foresaw."""
    OVER_TIME = "over time"
    """The wall-clock limit passed and the worker stopped the child."""
    LOST = "lost"
    """The worker that ran it is gone, or its lease ran out."""


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
    """Read such a file; None while it is not there, or when what is there is not a `kind`."""
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None

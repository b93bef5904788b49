"""How a child process ended: what its exit status and the files that it left mean."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from errno import EDQUOT, ENOSPC
from pathlib import Path

from src.running.job import (
    BEGUN_FILE,
    FAILURE_FILE,
    NEEDS_MORE_MEMORY,
    REPORT_FILE,
    REPORTED_BY_A_CHILD,
    End,
    Ending,
    Failure,
    read_json,
)
from src.running.logs import cleaned
from src.shared.data.json_file import read_object
from src.shared.errors import BadFile

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


def not_started(error: OSError | RuntimeError) -> Ending:
    """Return the ending of an evaluation that could not start because of this error."""
    is_full = isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT)
    reason = getattr(error, "strerror", None) or error
    return Ending(End.DISK_FULL if is_full else End.WORKER, f"The evaluation could not be started: {reason}.")


def ending_of(
    status: int, folder: Path, *, names: Mapping[str, str], fault: str | None, memory_ran_out: bool
) -> Ending:
    """Return how a child ended, from its exit status and the files in its folder, none of which are trusted.

    `names` replace this machine's folders in its message. `fault` says what failed that launched it, if
    anything did.
    """
    failure = read_json(folder / FAILURE_FILE, Failure)
    if status != 0 and failure and failure.end in REPORTED_BY_A_CHILD:
        message = cleaned(failure.message[:LONGEST_MESSAGE].encode(errors="replace"), names)
        return Ending(failure.end, message.decode(errors="replace"))
    if status == -signal.SIGKILL and memory_ran_out:
        return Ending(
            End.OUT_OF_MEMORY,
            f"The machine ran out of memory, so the system killed the evaluation. {NEEDS_MORE_MEMORY}",
        )
    if fault:
        return Ending(End.WORKER, fault)
    if status == -signal.SIGTERM:
        return Ending(End.WORKER, TOLD_TO_END)
    if not any((folder / file).exists() for file in (BEGUN_FILE, REPORT_FILE)):
        return Ending(End.WORKER, NOT_BEGUN.format(_meaning_of(status)))
    if status != 0:
        return Ending(End.CRASHED, f"The evaluation {_meaning_of(status)}.")
    return _finished(folder)


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

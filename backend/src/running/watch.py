"""Watches a child process until it ends, or has to be stopped for its time, memory or lack of progress."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from src.running.job import LOG_FILE, NEEDS_MORE_MEMORY, PROGRESS_FILE, End, Ending
from src.running.launchers import Child
from src.running.logs import shorten
from src.running.memory import memory_above

POLL_SECONDS = 0.25
"""Short, because memory can fill at gigabytes per second."""

GB = 10**9


@dataclass(frozen=True)
class ChildLimits:
    """The limits of one child process. None means no limit."""

    time: timedelta
    """The time in total."""
    silence: timedelta | None = None
    """The time without progress."""
    memory: int | None = None
    """The memory of all its processes, in bytes."""


def watch(
    process: Child,
    folder: Path,
    limits: ChildLimits,
    clock: Callable[[], float] = time.monotonic,
) -> Ending | None:
    """Wait until the child ends, and return None, or until it must be stopped, and return the reason.

    Anything that it writes into its progress file counts as progress. Meanwhile keep its log from filling the
    disk.
    """
    began = progressed = clock()
    progress_file = folder / PROGRESS_FILE
    stamp = _stamp(progress_file)
    while True:
        try:
            process.wait(POLL_SECONDS)
            return None
        except subprocess.TimeoutExpired:
            now = clock()
        shorten(folder / LOG_FILE)
        if process.pid is None:
            # It waits for its launcher, which has a timeout of its own, so it is neither late nor stuck.
            began = progressed = now
        if (new_stamp := _stamp(progress_file)) != stamp:
            stamp, progressed = new_stamp, now
        reason = (
            _over_time(now - began, limits)
            or _stuck(now - progressed, limits)
            or _out_of_memory(process, limits)
        )
        if reason:
            return reason


def _over_time(seconds: float, limits: ChildLimits) -> Ending | None:
    if seconds < limits.time.total_seconds():
        return None
    hours = limits.time.total_seconds() / 3600
    return Ending(
        End.OVER_TIME,
        f"The evaluation took longer than the limit of {hours:.3g} hours and was stopped. Submit a smaller "
        "model, or ask the leaderboard's owner for a longer limit (MAX_HOURS).",
    )


def _stuck(seconds: float, limits: ChildLimits) -> Ending | None:
    if limits.silence is None or seconds < limits.silence.total_seconds():
        return None
    minutes = limits.silence.total_seconds() / 60
    return Ending(
        End.STUCK,
        f"The evaluation made no progress for {minutes:.3g} minutes and was stopped. The leaderboard's owner "
        "can find details in its log.",
    )


def _out_of_memory(process: Child, limits: ChildLimits) -> Ending | None:
    if limits.memory is None or process.pid is None:
        return None
    size = memory_above(limits.memory, process.pid)
    if size is None:
        return None
    return Ending(
        End.OUT_OF_MEMORY,
        f"The evaluation used {size / GB:.3g} GB of memory, more than its limit of {limits.memory / GB:.3g} "
        f"GB, and was stopped. {NEEDS_MORE_MEMORY}",
    )


def _stamp(file: Path) -> int | None:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None

"""What memory the processes of an evaluation hold, and how much there is on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")
"""Where a container is told its limits."""


def available_memory() -> int:
    """The bytes that all processes here may have: the container's limit, else the machine's memory."""
    total: int = psutil.virtual_memory().total
    try:
        limit = (CGROUP / "memory.max").read_text().strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdecimal() else total


def resident_size(group: int) -> int:
    """The bytes of memory that a process group holds now, by the sum of its processes.

    Not the address space: torch maps far more than it uses.
    """
    return sum(_resident(process) for process in psutil.pids() if _is_member(process, group))


def kills_for_memory() -> int:
    """How many processes the system has killed in this container because memory ran out; 0 if it keeps no
    count.
    """
    try:
        lines = (CGROUP / "memory.events").read_text().splitlines()
    except OSError:
        return 0
    counts = dict(line.split() for line in lines)
    return int(counts.get("oom_kill", 0))


def _is_member(process: int, group: int) -> bool:
    try:
        return os.getpgid(process) == group
    except (ProcessLookupError, PermissionError):
        return False


def _resident(process: int) -> int:
    try:
        size: int = psutil.Process(process).memory_info().rss
    except psutil.Error:
        return 0
    return size

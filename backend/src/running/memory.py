"""How much memory the processes of an evaluation use, and how much this machine has."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")
"""Where a container finds its limits."""

PROC = Path("/proc")
"""Where Linux describes each process."""

KB = 1024

SHARE_OF_MEMORY = 0.9
"""The share of the machine's memory for evaluations. The rest is for the worker."""

SHARE_FOR_WEIGHTS = 0.8
"""The share of an evaluation's memory that its weights may take."""


def available_memory() -> int:
    """Return the bytes available to all processes: the container's limit, or the machine's memory."""
    total: int = psutil.virtual_memory().total
    try:
        limit = (CGROUP / "memory.max").read_text().strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdecimal() else total


def memory_above(limit: int, group: int) -> int | None:
    """Return the bytes of memory that a process group uses, if they exceed the limit, or else None.

    Linux can count shared pages exactly (`smaps_rollup`), but takes 11 ms per GB and pauses the process
    meanwhile. Four times a second, that would cost half a processor for a large model. So the exact count is
    made only when the quick count, which is never smaller, exceeds the limit.
    """
    members = [process for process in psutil.pids() if _is_member(process, group)]
    if sum(map(_quick_count, members)) <= limit:
        return None
    exact = sum(map(_exact_count, members))
    return exact if exact > limit else None


def kills_for_memory() -> int:
    """Return how many processes in this container were killed for lack of memory; 0 if the system does not
    count them.
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


def _quick_count(process: int) -> int:
    """Return the bytes of a process's own pages and of those it shares, such as a warm parent's imports
    (360 MB).

    Do not count the address space, since torch maps far more than it uses. Do not count mapped files such as
    weights either, since the system drops their pages when memory is short. Only Linux distinguishes these.
    """
    sizes = _sizes(process, "status")
    if "RssAnon" in sizes:
        return sizes["RssAnon"] + sizes.get("RssShmem", 0)
    try:
        resident: int = psutil.Process(process).memory_info().rss
    except (psutil.Error, OSError):
        return 0
    return resident


def _exact_count(process: int) -> int:
    """Return the same, but only this process's share of each shared page. Fall back to the quick count."""
    sizes = _sizes(process, "smaps_rollup")
    if "Pss_Anon" in sizes:
        return sizes["Pss_Anon"] + sizes.get("Pss_Shmem", 0)
    return _quick_count(process)


def _sizes(process: int, file: str) -> dict[str, int]:
    """Return the sizes in a file of a process, in bytes by name; empty if there is no such file."""
    try:
        lines = (PROC / str(process) / file).read_text(errors="replace").splitlines()
    except OSError:
        return {}
    fields = [line.split() for line in lines if line.endswith(" kB")]
    return {name.removesuffix(":"): int(size) * KB for name, size, _ in fields}

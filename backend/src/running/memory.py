"""What memory the processes of an evaluation hold, and how much there is on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")
"""Where a container is told its limits."""

PROC = Path("/proc")
"""Where Linux tells of each process."""

KB = 1024


def available_memory() -> int:
    """The bytes that all processes here may have: the container's limit, else the machine's memory."""
    total: int = psutil.virtual_memory().total
    try:
        limit = (CGROUP / "memory.max").read_text().strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdecimal() else total


def memory_above(limit: int, group: int) -> int | None:
    """The bytes of memory that a process group holds now, if they are more than the limit, and else None.

    Linux counts shared pages exactly (`smaps_rollup`), but takes 11 ms per GB for it, in which it holds the
    process up: four times a second that would be half a processor for a large model. So it is asked only
    when even the quick count, which is never smaller, is above the limit.
    """
    members = [process for process in psutil.pids() if _is_member(process, group)]
    if sum(map(_quick_count, members)) <= limit:
        return None
    exact = sum(map(_exact_count, members))
    return exact if exact > limit else None


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


def _quick_count(process: int) -> int:
    """The pages that are a process's own, with those that it shares, such as what a warm parent imported
    (360 MB).

    Not the address space: torch maps far more than it uses. Nor the pages of mapped files, as weights are:
    the system drops them when it needs the room. Other systems than Linux do not tell them apart.
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
    """The same, with of each shared page this process's share; the quick count where that is not told."""
    sizes = _sizes(process, "smaps_rollup")
    if "Pss_Anon" in sizes:
        return sizes["Pss_Anon"] + sizes.get("Pss_Shmem", 0)
    return _quick_count(process)


def _sizes(process: int, file: str) -> dict[str, int]:
    """The bytes that a file of a process gives for each name; empty when there is no such file."""
    try:
        lines = (PROC / str(process) / file).read_text(errors="replace").splitlines()
    except OSError:
        return {}
    fields = [line.split() for line in lines if line.endswith(" kB")]
    return {name.removesuffix(":"): int(size) * KB for name, size, _ in fields}

"""Processes as the system sees them."""

from pathlib import Path


def is_alive(pid: int | None) -> bool:
    """Whether a process runs; one that has ended and was not waited for by its parent counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

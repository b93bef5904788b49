"""Processes and ports as the system sees them."""

import socket
from pathlib import Path


def is_alive(pid: int | None) -> bool:
    """Whether a process runs; one that has ended and was not waited for by its parent counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])

"""Who this worker is: an id that a restarted worker has again, and that no other living process on this
machine has.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from src.shared.errors import ConfigurationError


@dataclass(frozen=True)
class Identity:
    """A worker's id, and a folder of its own on this machine; the lock is held while the process lives."""

    worker: str
    folder: Path
    lock: FileLock


def take_identity(name: str | None, root: Path | None = None) -> Identity:
    """Become the worker of this name or, without one, of this host with the lowest number that is free.

    Raises ConfigurationError when a living process on this machine already has the name: two workers of one
    name would take each other's leases for their own.
    """
    root = root or Path(tempfile.gettempdir()) / f"leaderboard-workers-{os.getuid()}"
    if name:
        identity = _try(name, root)
        if identity is None:
            raise ConfigurationError(
                f"Another worker on this machine is {name!r} already: "
                "end it, or set WORKER_ID to another name for this one."
            )
        return identity
    host = socket.gethostname()
    return next(identity for number in count() if (identity := _try(f"{host}-{number}", root)))


def _try(worker: str, root: Path) -> Identity | None:
    _make_private(root)
    folder = root / f"worker-{quote(worker, safe='')}"
    lock = FileLock(f"{folder}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return None
    shutil.rmtree(folder / "jobs", ignore_errors=True)  # a predecessor that was killed could not clean up
    folder.mkdir(exist_ok=True)
    return Identity(worker, folder, lock)


def _make_private(folder: Path) -> None:
    """Make a folder that nobody else can write to; in a shared one like /tmp another may be first."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o022 or not folder.is_dir():
        raise ConfigurationError(
            f"{folder} belongs to somebody else, or others can write to it: remove it, or set TMPDIR to a "
            "folder of your own."
        )

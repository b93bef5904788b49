"""Who this worker is: an id that a restarted worker has again, and that no other living process on this
machine has.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from src.shared.errors import ConfigurationError


@dataclass(frozen=True)
class Identity:
    """A worker's id, and a folder of its own on this machine, empty at the start; the lock is held while the
    process lives.
    """

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
    folder = root / re.sub(r"[^A-Za-z0-9.-]+", "_", worker).lstrip(".")
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(folder.with_suffix(folder.suffix + ".lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return None
    shutil.rmtree(folder / "jobs", ignore_errors=True)  # a predecessor that was killed could not clean up
    folder.mkdir(exist_ok=True)
    return Identity(worker, folder, lock)

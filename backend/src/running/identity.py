"""Who this worker is: an id that a restarted worker has again, and that no other living process on this
machine has.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from src.shared.errors import ConfigurationError

log = logging.getLogger(__name__)

ABANDONED_AFTER = timedelta(days=7)
"""How long the folder of a worker that does not come back is kept: its models may take many gigabytes."""


@dataclass(frozen=True)
class WorkerIdentity:
    """A worker's id, and a folder of its own on this machine; the lock is held while the process lives."""

    worker: str
    folder: Path
    lock: FileLock


def take_identity(name: str | None, root: Path | None = None) -> WorkerIdentity:
    """Become the worker of this name or, without one, of this host with the lowest number that is free.

    The folders of workers that have not come back for a week are removed. Raises ConfigurationError when a
    living process on this machine already has the name: two workers of one name would take each other's
    leases for their own.
    """
    root = root or Path(tempfile.gettempdir()) / f"leaderboard-workers-{os.getuid()}"
    if name:
        identity = _try(name, root)
        if identity is None:
            raise ConfigurationError(
                f"Another worker on this machine is already named {name!r}: "
                "stop it, or set WORKER_ID to another name for this one."
            )
    else:
        host = socket.gethostname()
        identity = next(taken for number in count() if (taken := _try(f"{host}-{number}", root)))
    _remove_abandoned(root)
    return identity


def _try(worker: str, root: Path) -> WorkerIdentity | None:
    _make_private(root)
    folder = root / f"worker-{quote(worker, safe='')}"
    lock = FileLock(f"{folder}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return None
    shutil.rmtree(folder / "jobs", ignore_errors=True)  # a predecessor that was killed could not clean up
    folder.mkdir(exist_ok=True)
    os.utime(folder)
    return WorkerIdentity(worker, folder, lock)


def _remove_abandoned(root: Path) -> None:
    """Remove the folders that nobody has used for long, and whose workers do not live."""
    for folder in root.glob("worker-*/"):
        lock = FileLock(f"{folder}.lock", timeout=0)
        with suppress(Timeout, OSError):
            # The lock's file stays: without it two workers could hold locks of the same name.
            if time.time() - _last_used(folder) > ABANDONED_AFTER.total_seconds():
                with lock:
                    log.info("removing %s: its worker has not come back", folder)
                    shutil.rmtree(folder, ignore_errors=True)


def _last_used(folder: Path) -> float:
    """When something directly in the folder, or in one of its folders, was last made or removed."""
    return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))


def _make_private(folder: Path) -> None:
    """Make a folder that nobody else can write to; in a shared one like /tmp another may be first."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o022 or not folder.is_dir():
        raise ConfigurationError(
            f"{folder} belongs to another user, or others can write to it: remove it, or set TMPDIR to a "
            "folder of your own."
        )

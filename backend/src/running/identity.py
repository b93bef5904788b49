"""The name of this worker. It survives a restart, and no other process on this machine has it."""

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

from src.running.job import SAMPLES_FOLDER
from src.shared.errors import ConfigurationError

log = logging.getLogger(__name__)

ABANDONED_AFTER = timedelta(days=7)
"""How long to keep the folder of a worker that does not return. Its models may take many gigabytes."""


@dataclass(frozen=True)
class WorkerIdentity:
    """A worker's name, and its folder on this machine."""

    worker: str
    folder: Path
    lock: FileLock
    """Held for the life of the process."""


def take_identity(name: str | None, root: Path | None = None) -> WorkerIdentity:
    """Take this name or, without one, the host's name with the lowest free number.

    Also remove the folders of workers that have not returned for a week. Raises ConfigurationError when
    another process on this machine has the name: two workers with one name would mistake each other's leases
    for their own.
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
    for left in ("jobs", SAMPLES_FOLDER):  # a killed predecessor could not clean up
        shutil.rmtree(folder / left, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    os.utime(folder)
    return WorkerIdentity(worker, folder, lock)


def _remove_abandoned(root: Path) -> None:
    """Remove folders that have not been used for a week and whose workers are gone."""
    for folder in root.glob("worker-*/"):
        lock = FileLock(f"{folder}.lock", timeout=0)
        with suppress(Timeout, OSError):
            # Keep the lock file: without it two workers could hold locks of the same name.
            if time.time() - _last_used(folder) > ABANDONED_AFTER.total_seconds():
                with lock:
                    log.info("removing %s: its worker has not come back", folder)
                    shutil.rmtree(folder, ignore_errors=True)


def _last_used(folder: Path) -> float:
    """Return when something in the folder, or directly in one of its folders, was last created or removed."""
    return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))


def _make_private(folder: Path) -> None:
    """Create a folder that only this user can write to. In a shared folder, someone may be first."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o022 or not folder.is_dir():
        raise ConfigurationError(
            f"{folder} belongs to another user, or others can write to it: remove it, or set TMPDIR to a "
            "folder of your own."
        )

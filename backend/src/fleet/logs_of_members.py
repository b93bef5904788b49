"""The logs of members that run on machines of the owner's: in a folder that only this user can read."""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from src.fleet.seam import FleetError

LOG_BYTES = 20_000
"""The most that is shown of a log."""

KEPT_FOR = timedelta(days=14)
"""How long a log is kept after its last line."""

NO_FOLDER = "The folder of the fleet, {}, cannot be used: {}. Set FLEET_FOLDER to another one."
NOT_PRIVATE = "it belongs to another user, or others can write to it"
NO_LOG = "The log of the worker {} cannot be read: {}."


def private(folder: Path) -> Path:
    """Return the folder, made if need be, that only this user can write to. Raises FleetError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise FleetError(NO_FOLDER.format(folder, error.strerror)) from error
    if status.st_uid != os.getuid() or status.st_mode & 0o022 or not stat.S_ISDIR(status.st_mode):
        raise FleetError(NO_FOLDER.format(folder, NOT_PRIVATE))
    return folder


def end_of(log: Path, worker: str) -> str:
    """Return the end of a log; nothing if it is not there yet. Raises FleetError."""
    try:
        with os.fdopen(os.open(log, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_BYTES))
            text = file.read(LOG_BYTES)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise FleetError(NO_LOG.format(worker, error.strerror)) from error
    return text.decode(errors="replace")


def remove_old(folder: Path) -> None:
    """Remove the files of members that nobody has written to for long."""
    oldest = time.time() - KEPT_FOR.total_seconds()
    for file in (each for each in folder.iterdir() if each.suffix in (".log", ".json", ".pid")):
        with suppress(OSError):
            if file.lstat().st_mtime < oldest:
                file.unlink()

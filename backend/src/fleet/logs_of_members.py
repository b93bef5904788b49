"""The files of members on machines of the owner's, such as their logs: in a folder of this user's."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from src.fleet.seam import FleetError

LOG_BYTES = 20_000
"""The most that is shown of a log."""

KEPT_FOR = timedelta(days=14)
"""How long a log is kept after its last line."""

ENDS_WITHIN = timedelta(minutes=4)
"""How long a member may take to end once it is told to: twice what Slurm gives it. After that it hangs."""

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


def remove_old(files: Iterable[Path]) -> None:
    """Remove those of these files that nobody has written to for long."""
    for file in files:
        with suppress(OSError):
            if _age(file) >= KEPT_FOR:
                file.unlink()


def hangs(note: Path) -> bool:
    """Return whether a member was told to end and should have ended by now.

    The file notes when it was first told, for whichever dispatcher looks next.
    """
    try:
        note.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        with suppress(OSError):
            return _age(note) >= ENDS_WITHIN
    except OSError:  # such as a full disk: the member is told to end all the same
        pass
    return False


def _age(file: Path) -> timedelta:
    return timedelta(seconds=time.time() - file.lstat().st_mtime)

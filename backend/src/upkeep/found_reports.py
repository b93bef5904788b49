"""Finds the result files in folders that lm_eval or lighteval wrote. Anybody may have put anything there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISLNK, S_ISREG

from src.shared.data.names import MAX_BYTES
from src.shared.errors import ConfigurationError

PREFIX, SUFFIX = "results_", ".json"
"""The names of both engines' result files, in subfolders named after the model."""

SAMPLES_PREFIX = "samples_"
"""The names of lm_eval's files of answers, beside the results. They are not imported."""

MOST_REPORTS = 2_000
MOST_BYTES = 1_000_000_000
"""The most that one import holds in memory."""

UNREADABLE = "Cannot read {}: {}. Run the import as a user who can read it, or name only readable folders."
TOO_MUCH = "These folders have more than {} of results: import them in several parts."


@dataclass(frozen=True)
class Found:
    """The files in the folders."""

    reports: tuple[Path, ...]
    samples: int
    """The number of files of samples, which are left alone."""


def find_reports(folders: Iterable[Path]) -> Found:
    """Return the result files below folders, each once, in a fixed order.

    Raises ConfigurationError for a folder that is not there or cannot be read, and for more than one import
    takes.
    """
    reports: dict[Path, None] = {}
    samples = bytes_in_all = 0
    for folder in folders:
        for path in _files(folder):
            samples += path.name.startswith(SAMPLES_PREFIX)
            is_report = path.name.startswith(PREFIX) and path.name.endswith(SUFFIX)
            if not is_report or path in reports:
                continue
            reports[path] = None
            bytes_in_all += _size(path)
            if len(reports) > MOST_REPORTS:
                raise ConfigurationError(TOO_MUCH.format(f"{MOST_REPORTS:,} files"))
            if bytes_in_all > MOST_BYTES:
                raise ConfigurationError(TOO_MUCH.format(f"{MOST_BYTES // 10**6:,} MB"))
    return Found(tuple(reports), samples)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder. No link to another folder is followed."""
    if folder.is_file():
        yield folder.absolute()
        return
    if not folder.is_dir():
        raise ConfigurationError(f"There is no folder {folder}: name one that lm_eval or lighteval wrote.")
    for place, folders, files in os.walk(folder.absolute(), onerror=_refuse_unreadable):
        folders.sort()
        for name in sorted(files):
            yield Path(place, name)


def _refuse_unreadable(error: OSError) -> None:
    """Raise ConfigurationError: `os.walk` would pass over the folder as if it were empty."""
    raise ConfigurationError(UNREADABLE.format(error.filename, error.strerror))


def _size(path: Path) -> int:
    """Return a file's size. One that was deleted just now has none: reading it will report that."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def read_report(path: Path) -> bytes:
    """Return a file's content. Raises ValueError, with a reason, for what is not a plain file of a size."""
    try:
        status = path.lstat()
        if S_ISLNK(status.st_mode):
            raise ValueError("it is a link: import the folder that has the file itself")
        if not S_ISREG(status.st_mode):
            raise ValueError("it is not a file")
        if status.st_size > MAX_BYTES:
            raise ValueError(f"it has {status.st_size:,} bytes, and no more than {MAX_BYTES:,} are read")
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from None

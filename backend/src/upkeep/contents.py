"""The contents of files by their ids, as git and Git LFS compute them, and all files of a folder."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from src.shared.data.names import JOURNAL, LOCK
from src.shared.stores.folder_store import SETTLED_SECONDS, Stamp, raise_unless_gone

AT_ONCE = 1 << 20
"""The bytes that are read and written at a time: samples may be larger than the memory."""

LONGEST_NAME_BYTES = 255
"""The longest name that file systems hold."""


@dataclass(frozen=True)
class Content:
    """The content of a file, by its ids. The Hub lists the SHA-256 of a file in Git LFS, else git's id."""

    size: int
    git: str | None = None
    sha256: str | None = None

    def is_same(self, other: Content | None) -> bool:
        """Return whether both are the same content, by an id that both have."""
        if other is None:
            return False
        by_git = self.git is not None and self.git == other.git
        return by_git or (self.sha256 is not None and self.sha256 == other.sha256)


def content_of(file: Path) -> Content:
    """Read a file and return both of its ids. Raises OSError."""
    sha256, git = hashlib.sha256(), hashlib.sha1(usedforsecurity=False)
    with file.open("rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        git.update(b"blob %d\0" % size)
        while part := opened.read(AT_ONCE):
            sha256.update(part)
            git.update(part)
    return Content(size, git.hexdigest(), sha256.hexdigest())


def is_storable(path: str) -> bool:
    """Return whether a folder can hold a file of this path, below itself and apart from its own lock."""
    parts = path.split("/")
    are_names = all(part not in ("", ".", "..", ".git") and "\0" not in part for part in parts)
    are_short = all(len(part.encode("utf-8", "replace")) <= LONGEST_NAME_BYTES for part in parts)
    return are_names and are_short and path not in (LOCK, JOURNAL)


def is_left_over(path: str) -> bool:
    """Return whether a file in the folder of a dataset is no part of it: of an unfinished commit, of git, or
    of the Hub's client.
    """
    parts = PurePosixPath(path).parts
    is_part = parts[-1].startswith(".") and parts[-1].endswith(".part")
    return is_part or ".git" in parts[:-1] or parts[:2] == (".cache", "huggingface")


class Folder:
    """All files below a folder. A file is read once, as long as its time, size and number stay the same.

    `is_left_out` says which files do not count. Links never do, and neither do the lock and the journal of a
    dataset. `odd` has the names of links, and those that are not UTF-8, as of the last listing.
    """

    def __init__(self, path: Path, is_left_out: Callable[[str], bool] = lambda path: False) -> None:
        self.path = path
        self.odd: list[str] = []
        self._is_left_out = is_left_out
        self._known: dict[str, tuple[Stamp, Content]] = {}

    def files(self) -> dict[str, Content]:
        """Return every file by its path. Raises OSError."""
        settled = time.time_ns() - int(SETTLED_SECONDS * 1e9)
        self.odd = []
        found: dict[str, Content] = {}
        known: dict[str, tuple[Stamp, Content]] = {}
        for path, status in self._walk():
            stamp = (status.st_ctime_ns, status.st_size, status.st_ino)
            old = self._known.get(path)
            try:
                content = old[1] if old and old[0] == stamp else content_of(self.path / path)
            except FileNotFoundError:  # deleted just now
                continue
            if status.st_ctime_ns < settled:
                known[path] = (stamp, content)
            found[path] = content
        self._known = known
        return dict(sorted(found.items()))

    def delete(self, path: str) -> None:
        """Delete a file, and the folders that it leaves empty."""
        place = self.path / path
        place.unlink(missing_ok=True)
        for folder in place.parents:
            if folder == self.path or any(folder.iterdir()):
                return
            folder.rmdir()

    def _walk(self) -> Iterator[tuple[str, os.stat_result]]:
        for above, folders, names in os.walk(self.path, onerror=raise_unless_gone):
            inner = Path(above).relative_to(self.path)
            self.odd += [(inner / name).as_posix() for name in folders if (Path(above) / name).is_symlink()]
            for name in names:
                path, place = (inner / name).as_posix(), Path(above) / name
                if path in (LOCK, JOURNAL) or self._is_left_out(path):
                    continue
                if place.is_symlink() or name.encode("utf-8", "replace").decode() != name:
                    self.odd.append(path)
                elif (status := _status(place)) and stat.S_ISREG(status.st_mode):
                    yield path, status


def _status(place: Path) -> os.stat_result | None:
    """Return the status of a file; None if it was deleted just now."""
    with suppress(FileNotFoundError):
        return place.lstat()
    return None

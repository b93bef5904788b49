"""A store in a local folder, for several processes, consistent after a crash at any moment.

A commit first writes its files beside their places, under hidden names, and then a journal that lists them.
The commit takes effect when the journal is in place; after that, files are only renamed. Whoever opens the
folder next completes a journal that is left. So the folder is in the old state or the new one, never in a
mixture.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from filelock import FileLock, Timeout

from ..data.names import JOURNAL, LOCK, is_for_people, is_hidden, is_safe_path
from ..errors import Conflict, StoreError
from .budgets import Pace
from .store import Snapshot, blob_id

log = logging.getLogger(__name__)

LOCK_TIMEOUT_SECONDS = 30.0
SETTLED_SECONDS = 2.0
"""A file that is younger is read again: two edits within a tick of the clock leave the same time."""

Stamp = tuple[int, int, int]
"""Time of the last change, size and number of a file: while they stay the same, its content does."""


class FolderStore:
    """One dataset in a folder, which is created if needed. Its files may be edited by hand at any time.

    `web` is the address at which the page serves the folder, if it does.
    """

    is_new = False

    def __init__(self, folder: Path, *, web: str | None = None) -> None:
        self.pace = Pace()
        self.folder, self.web = folder, web
        self._journal = folder / JOURNAL
        self._lock = FileLock(folder / LOCK, timeout=LOCK_TIMEOUT_SECONDS)
        self._known: dict[str, tuple[Stamp, str]] = {}

    def __str__(self) -> str:
        return str(self.folder)

    def snapshot(self) -> Snapshot:
        """The folder as it is now."""
        with self._locked():
            return self._scan()

    def read(self, snapshot: Snapshot, paths: Collection[str]) -> Mapping[str, bytes]:
        """Return the content of files of the snapshot. A folder has no past: raises
        Conflict if one changed.
        """
        found: dict[str, bytes] = {}
        for path in paths:
            blob = snapshot.files[path]
            try:
                data = (self.folder / path).read_bytes()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                raise Conflict(f"{self.folder / path} was deleted while we read it.") from None
            except OSError as error:
                raise StoreError(f"Cannot read {self.folder / path}: {error.strerror}.") from error
            if blob_id(data) != blob:
                raise Conflict(f"{self.folder / path} changed while we read it.")
            found[path] = data
        return found

    def listed_below(self, folder: str) -> list[str]:
        """Return the paths of all files below a folder. Links are left out."""
        with self._locked():
            paths = [
                (Path(above) / name).relative_to(self.folder).as_posix()
                for above, _, names in os.walk(self.folder / folder, onerror=raise_unless_gone)
                for name in names
                if not (Path(above) / name).is_symlink()
            ]
            return sorted(path for path in paths if is_safe_path(path))

    def commit(
        self, *, add: Mapping[str, bytes], delete: Collection[str] = (), message: str, parent: Snapshot
    ) -> None:
        """Write and delete files, all or nothing. Raises Conflict if the folder is no longer at `parent`."""
        with self._locked():
            now = self._scan()
            if now.revision != parent.revision:
                raise Conflict(f"{self.folder} changed since it was read: {message} was not written.")
            self._refuse_impossible(add, delete, now)
            self._write_ahead(add, delete)
            self._roll_forward()
            log.info("committed to %s: %s", self.folder, message)

    def address(self, path: str) -> str | None:
        """Return the address at which the page serves the file, relative to the page."""
        return f"{self.web}/{quote(path)}" if self.web and is_safe_path(path) else None

    def folder_address(self, path: str) -> None:
        """Return None: the page serves files, but lists no folder."""

    def check_writing(self) -> None:
        """Raise StoreError when the folder cannot be written to."""
        with self._locked():
            pass

    def held(self) -> AbstractContextManager[None]:
        """Hold the folder alone among processes and threads, with no commit half done, until the block ends.

        Others wait, for half a minute at most. Raises StoreError.
        """
        return self._locked()

    def _refuse_impossible(self, add: Collection[str], delete: Collection[str], now: Snapshot) -> None:
        """Refuse a commit that could never be completed: its journal would block the folder forever."""
        for path in add:
            if not is_safe_path(path) or self._is_taken(path, add) or path in delete:
                raise StoreError(f"Cannot write {path!r} to {self.folder}: it is not a possible file name.")
        for path in delete:
            is_there = path in now.files or (is_for_people(path) and is_safe_path(path))
            if not is_there or not (self.folder / path).is_file():
                raise StoreError(f"Cannot delete {path!r} from {self.folder}: there is no such file.")

    def _is_taken(self, path: str, add: Collection[str]) -> bool:
        """Return whether a folder or a link of this name, or a file in place of a needed folder, is in the
        way.
        """
        place = self.folder / path
        parents = [str(parent) for parent in PurePosixPath(path).parents[:-1]]
        blocked = any(parent in add or _is_no_folder(self.folder / parent) for parent in parents)
        return blocked or place.is_dir() or place.is_symlink()

    def _write_ahead(self, add: Mapping[str, bytes], delete: Collection[str]) -> None:
        """Put all that the commit needs on the disk; the last step, the journal's arrival, decides it."""
        waiting = _part(self._journal)
        parts = {_part(self.folder / path): data for path, data in add.items()}
        parts[waiting] = json.dumps({"add": list(add), "delete": list(delete)}).encode()
        try:
            for part, data in parts.items():
                _write(part, data)
            for folder in {part.parent for part in parts}:
                _sync(folder)
        except OSError:  # the disk is full, for example: free what was used
            for part in parts:
                part.unlink(missing_ok=True)
            raise
        waiting.replace(self._journal)
        _sync(self._journal.parent)

    def _roll_forward(self) -> None:
        """Complete the journal, if there is one. What is done already, or was undone by
        hand, is left alone.
        """
        try:
            journal = json.loads(self._journal.read_bytes())
        except FileNotFoundError:
            return
        for path in journal["add"]:
            place = self.folder / path
            with suppress(FileNotFoundError):
                _part(place).replace(place)
        for path in journal["delete"]:
            (self.folder / path).unlink(missing_ok=True)
        for folder in {(self.folder / path).parent for path in journal["add"] + journal["delete"]}:
            with suppress(FileNotFoundError):
                _sync(folder)
        self._journal.unlink()

    def _scan(self) -> Snapshot:
        """List the folder. Read only files that are new or too young to be trusted."""
        settled = time.time_ns() - int(SETTLED_SECONDS * 1e9)
        seen: dict[str, tuple[Stamp, str]] = {}
        files: dict[str, str] = {}
        for path, entry in sorted(_entries(self.folder)):
            try:
                status = entry.stat(follow_symlinks=False)
                stamp = (status.st_ctime_ns, status.st_size, status.st_ino)
                known_stamp, blob = self._known.get(path, (None, ""))
                if known_stamp != stamp:
                    blob = blob_id(Path(entry.path).read_bytes())
            except FileNotFoundError:  # deleted by hand just now
                continue
            if status.st_ctime_ns < settled:
                seen[path] = (stamp, blob)
            files[path] = blob
        self._known = seen
        listing = "\n".join(f"{blob} {path}" for path, blob in files.items())
        return Snapshot(hashlib.sha1(listing.encode(), usedforsecurity=False).hexdigest(), files)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder alone among processes and threads, after completing any journal that is left."""
        try:
            self._journal.parent.mkdir(parents=True, exist_ok=True)
            with self._lock:
                self._roll_forward()
                yield
        except Timeout:
            raise StoreError(
                f"{self.folder} has been locked by another process for {self._lock.timeout:.0f} s: "
                "end that process, or wait for it."
            ) from None
        except OSError as error:
            place = error.filename2 or error.filename or self.folder  # of a copy, where it was to go
            raise StoreError(
                f"Cannot use {place}: {error.strerror or error}. "
                "Check that it can be written to and that there is room on the disk."
            ) from error


class WatchedFolder(FolderStore):
    """A dataset in a folder that is only looked at: nothing is created, locked or completed there."""

    def commit(
        self, *, add: Mapping[str, bytes], delete: Collection[str] = (), message: str, parent: Snapshot
    ) -> None:
        """Raise StoreError."""
        raise StoreError(f"{self.folder} is only looked at: {message} was not written.")

    def check_writing(self) -> None:
        """Raise StoreError when this user may not write into the folder."""
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise StoreError(
                f"Cannot write to {self.folder}: this user lacks the permission. Change the folder's owner, "
                "or run as the user that it belongs to."
            )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not self.folder.is_dir():
            raise StoreError(
                f"The folder {self.folder} does not exist. Start the Space once, which creates it, or set "
                "LEADERBOARD_DATA_DIR to the folder that has the data."
            )
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"Cannot read {error.filename or self.folder}: {error.strerror or error}. Check its "
                "permissions."
            ) from error


def raise_unless_gone(error: OSError) -> None:
    """Raise the error of a folder that cannot be read: `os.walk` would pass over it as if it were empty."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _is_no_folder(path: Path) -> bool:
    return path.is_symlink() or (path.exists() and not path.is_dir())


def _entries(folder: Path, prefix: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield every file below a folder with its path, except logs, hidden files and names that are not UTF-8.

    Links are left out, so nothing outside the folder is ever read.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            path = prefix + entry.name
            if is_hidden(path) or is_for_people(path):
                continue
            if entry.name.encode("utf-8", "replace").decode() != entry.name:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(Path(entry.path), f"{path}/")
            elif entry.is_file(follow_symlinks=False):
                yield path, entry


def _part(path: Path) -> Path:
    """Return the place where a file's bytes wait for the commit. It is close to the file's own place, so that
    problems with that place show up early.
    """
    return path.with_name(f".{path.name}.part")


def _write(path: Path, data: bytes) -> None:
    """Write a file so that its bytes are on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Have a folder's names on the disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

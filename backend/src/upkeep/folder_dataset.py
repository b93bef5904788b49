"""A whole dataset in a folder, held by its store's lock while it is read or written."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from src.shared.data.names import OWN_FOLDER
from src.shared.errors import Conflict, StoreError
from src.shared.stores.folder_store import FolderStore
from src.upkeep.contents import Content, Folder, is_left_over
from src.upkeep.datasets import Listing

WAITING = f"{OWN_FOLDER}/.restored.part"
"""The place of a file until it is whole."""

A_LINK = "Cannot write {}: {} is a link to another place. Delete the link."


class FolderDataset:
    """A dataset in a folder."""

    is_local = True
    readers = 1
    spaces = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.contents = Folder(folder, is_left_over)
        self._store = FolderStore(folder)

    def __str__(self) -> str:
        return str(self.folder)

    def revision(self) -> str | None:
        """Return an id of all files."""
        listing = self.listing()
        return listing.revision if listing else None

    def listing(self) -> Listing | None:
        """Return all files, as they are now. Hold the folder if none may change meanwhile."""
        if not self.folder.is_dir():
            return None
        try:
            return _listing(self.contents.files())
        except OSError as error:
            raise StoreError(_cannot("read", error, self.folder)) from error

    def held(self) -> AbstractContextManager[None]:
        """Hold the folder's lock."""
        return self._store.held()

    def is_private(self) -> None:
        """Return None: a folder has no visibility."""

    def save(self, listing: Listing, path: str, place: Path) -> None:
        """Copy a file."""
        try:
            shutil.copyfile(self.folder / path, place, follow_symlinks=False)
        except OSError as error:
            raise StoreError(_cannot("copy", error, self.folder / path)) from error

    def create(self, *, private: bool) -> None:
        """Make the folder."""
        with self.held():
            pass

    def write(
        self, parent: Listing, add: Mapping[str, Path], delete: Collection[str], message: str
    ) -> str | None:
        """Delete files and write others, each of them at once or not at all, while nobody else writes."""
        with self.held():
            now = self.listing()
            if now is None or now.revision != parent.revision:
                raise Conflict(f"{self} changed since it was read.")
            self._refuse_links(add)
            for path in delete:
                self.contents.delete(path)
            for path, source in add.items():
                place, waiting = self.folder / path, self.folder / WAITING
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, waiting)
                _sync(waiting)
                if place.is_dir():  # an empty one: deleted files leave them
                    place.rmdir()
                waiting.replace(place)
            return self.revision()

    def _refuse_links(self, paths: Collection[str]) -> None:
        """Raise StoreError if a folder on the way to a file is a link: the file would land elsewhere."""
        for path in paths:
            for above in Path(path).parents:
                if above != Path() and (self.folder / above).is_symlink():
                    raise StoreError(A_LINK.format(self.folder / path, self.folder / above))


def _listing(files: Mapping[str, Content]) -> Listing:
    lines = "\n".join(f"{content.git} {path}" for path, content in files.items())
    return Listing(hashlib.sha1(lines.encode(), usedforsecurity=False).hexdigest(), files)


def _sync(file: Path) -> None:
    """Have a file's bytes on the disk when this returns."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def _cannot(verb: str, error: OSError, what: Path) -> str:
    return f"Cannot {verb} {error.filename or what}: {error.strerror or error}."

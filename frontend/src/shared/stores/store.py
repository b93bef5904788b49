"""The seam to a dataset: take a snapshot, read at that snapshot, commit all or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..errors import BadFile
from .budgets import Pace


@dataclass(frozen=True)
class Snapshot:
    """A dataset at one moment.

    Logs and samples are left out: they are written once, read only by people, and most of a large dataset's
    files.
    """

    revision: str
    files: Mapping[str, str] = field(repr=False)
    """git's id of each file's content, as a blob, by path."""


class Store(Protocol):
    """One dataset, as several processes see it. `str()` gives its name, for people."""

    is_new: bool
    """Whether this process found it missing on the Hub and created it."""
    pace: Pace
    """How often it is committed to."""

    def snapshot(self) -> Snapshot:
        """Return the dataset as it is now. Raises StoreError if it cannot be reached."""

    def read(self, snapshot: Snapshot, paths: Collection[str]) -> Mapping[str, bytes | BadFile]:
        """Return the content of files of the snapshot; a BadFile for one that cannot be read.

        Raises Conflict if the snapshot can no longer be read, and StoreError if the dataset cannot be
        reached.
        """

    def listed_below(self, folder: str) -> Collection[str]:
        """Return the paths of all files below a folder, as it is now, also those that snapshots leave out.

        A folder that is not there has none. Raises StoreError.
        """

    def commit(
        self, *, add: Mapping[str, bytes], delete: Collection[str] = (), message: str, parent: Snapshot
    ) -> None:
        """Write and delete files, all or nothing.

        Raises Conflict if the dataset is no longer at `parent`, and StoreError for an invalid name or for a
        missing file to delete. Logs and samples can be deleted too, although no snapshot has them. After any
        other StoreError the commit may or may not have landed: take a new snapshot to find out.
        """

    def address(self, path: str) -> str | None:
        """Return the address at which people can see a file in a browser, if there is one."""

    def folder_address(self, path: str) -> str | None:
        """Return the address at which people can see a folder in a browser, if there is one."""

    def check_writing(self) -> None:
        """Raise StoreError, with a sentence, when nothing can be written: a token that may only read."""


def blob_id(data: bytes) -> str:
    """Git's name for a content, and the Hub's: SHA-1 of `blob <length>`, a zero byte and the content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()

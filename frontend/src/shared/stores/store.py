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
    """A dataset at one moment: its revision, and the id of each file's content by path.

    The ids are git's, of blobs. Logs are left out: they are written once and read only by people, and would
    be most of a large dataset's files.
    """

    revision: str
    files: Mapping[str, str] = field(repr=False)


class Store(Protocol):
    """One dataset, as several processes see it. `str()` gives its name, for people."""

    is_new: bool
    """Whether this process found it missing on the Hub and created it."""
    pace: Pace
    """How often it is committed to."""

    def snapshot(self) -> Snapshot:
        """The dataset as it is now. Raises StoreError when it cannot be reached."""

    def read(self, snapshot: Snapshot, paths: Collection[str]) -> Mapping[str, bytes | BadFile]:
        """What files of the snapshot held at that moment; a BadFile for one that cannot be had.

        Raises Conflict when that can no longer be had, and StoreError when the dataset cannot be reached.
        """

    def commit(
        self, *, add: Mapping[str, bytes], delete: Collection[str] = (), message: str, parent: Snapshot
    ) -> None:
        """Write and delete files, all or nothing.

        Raises Conflict when the dataset is no longer at `parent`, and StoreError for a name that cannot be
        written or a file to delete that is not there. After any other StoreError the commit may have landed
        or not: take a new snapshot and see.
        """

    def address(self, path: str) -> str | None:
        """Where people can look at a file in a browser, if they can."""

    def check_writing(self) -> None:
        """Raise StoreError, with a sentence, when nothing can be written: a token that may only read."""


def blob_id(data: bytes) -> str:
    """Git's name for a content, and the Hub's: SHA-1 of `blob <length>`, a zero byte and the content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()

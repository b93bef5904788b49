"""Keeps a dataset's index fresh enough that a cold start has little left to read."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from ..data.names import BLOCKLIST, CARD, is_own_path, left_behind, place_of, places
from ..errors import BadFile, Conflict
from ..index.index import Index
from ..process.steady import steady_now
from ..times import Clock
from .mirror import Mirror, Reading
from .store import Store

log = logging.getLogger(__name__)

T = TypeVar("T")

MANY = 100
"""From this many missing files on, the index is renewed at once."""

AT_MOST_EVERY = timedelta(minutes=5)
"""Applies to many missing files too: another Space may read the index differently, and write it in turn."""

AGE = timedelta(minutes=30)
"""How long the index may lack a few files."""


class Indexer(Generic[T]):
    """Writes one index. Several Spaces may maintain the same one: the first to come writes it.

    `due` uses the mirror, which is not for two threads at a time; `write` uses only the store.
    """

    def __init__(self, store: Store, mirror: Mirror[T], index: Index[T], clock: Clock = steady_now) -> None:
        self._store = store
        self._mirror = mirror
        self._index = index
        self._clock = clock
        self._since = clock()
        self._blob: str | None = None
        self._written_at: datetime | None = None

    def due(self, reading: Reading[T]) -> bytes | None:
        """Return the index to write now, or None while it is fresh enough. Raises StoreError."""
        place = place_of(self._index.path, reading.snapshot.files)
        now, blob = self._clock(), reading.snapshot.files.get(place)
        if blob != self._blob:  # somebody has just renewed it
            self._blob, self._since = blob, now
        if self._written_at and now - self._written_at < AT_MOST_EVERY:
            return None
        missing = self._mirror.missing_in_the_index(reading)
        is_due = missing >= MANY or place != self._index.path or (missing and now - self._since >= AGE)
        if not is_due or self._mirror.has_newer_index:
            return None
        return self._written(reading)

    def renew(self) -> None:
        """Write the index for the present files. Raises StoreError."""
        reading = self._mirror.refresh()
        self.write(reading, self._written(reading))

    def write(self, reading: Reading[T], data: bytes) -> None:
        """Commit the index, unless somebody else wrote to the dataset meanwhile. Raises StoreError.

        Files that earlier versions kept in another folder move with it.
        """
        self._written_at = self._clock()
        try:
            moved = self._moved(reading)
            self._store.commit(
                add={self._index.path: data, **moved},
                delete=left_behind([self._index.path, *moved], reading.snapshot.files),
                message="renew the index",
                parent=reading.snapshot,
            )
            log.info("wrote %s to %s", self._index.path, self._store)
        except Conflict:
            log.info("did not write %s to %s: the dataset changed meanwhile", self._index.path, self._store)

    def _moved(self, reading: Reading[T]) -> dict[str, bytes]:
        """Return the owner's file if it is in its old place, and the dataset card if it names our old one.

        Raises Conflict and StoreError.
        """
        files, moved = reading.snapshot.files, {}
        blocklist = place_of(BLOCKLIST, files)
        new, old = places(self._index.path)
        wanted = [blocklist] * (blocklist != BLOCKLIST) + [CARD] * (old in files and CARD in files)
        read = self._store.read(reading.snapshot, wanted) if wanted else {}
        found = {path: data for path, data in read.items() if not isinstance(data, BadFile)}
        if blocklist in found:
            moved[BLOCKLIST] = found[blocklist]
        named = f"path: {old}\n".encode()
        if named in found.get(CARD, b""):
            moved[CARD] = found[CARD].replace(named, f"path: {new}\n".encode())
        return moved

    def _written(self, reading: Reading[T]) -> bytes:
        return self._index.write(_listed(reading), reading.values, self._mirror.others)


def _listed(reading: Reading[T]) -> dict[str, str]:
    """Return all files of the dataset except our own, which the index's commit changes."""
    return {path: blob for path, blob in reading.snapshot.files.items() if not is_own_path(path)}

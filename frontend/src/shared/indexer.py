"""Keeps a dataset's index fresh enough that a cold start has little left to read."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Generic, TypeVar

from .errors import Conflict
from .index import Index
from .mirror import Mirror, Reading
from .names import INDEX_FOLDER
from .store import Store
from .times import Clock, utc_now

log = logging.getLogger(__name__)

T = TypeVar("T")

MANY = 100
"""So many missing files are worth a commit at once."""

AGE = timedelta(minutes=30)
"""How long a few missing files are left missing."""


class Indexer(Generic[T]):
    """Writes one index. Any number of Spaces may keep the same one: the first that comes writes it.

    `due` uses the mirror, which is not for two threads at a time; `write` only the store.
    """

    def __init__(self, store: Store, mirror: Mirror[T], index: Index[T], clock: Clock = utc_now) -> None:
        self._store = store
        self._mirror = mirror
        self._index = index
        self._clock = clock
        self._since = clock()

    def due(self, reading: Reading[T]) -> bytes | None:
        """The index as it should be written now, or None while it is fresh enough. Raises StoreError."""
        is_old = self._clock() - self._since >= AGE
        missing = self._mirror.missing_in_the_index(reading)
        if missing < MANY and not (missing and is_old):
            return None
        return self._index.write(_listed(reading), reading.values)

    def write(self, reading: Reading[T], data: bytes) -> None:
        """Commit the index, unless somebody else wrote to the dataset meanwhile. Raises StoreError."""
        self._since = self._clock()
        try:
            self._store.commit(
                add={self._index.path: data}, message="renew the index", parent=reading.snapshot
            )
            log.info("wrote %s to %s", self._index.path, self._store)
        except Conflict:
            log.info("did not write %s to %s: the dataset changed meanwhile", self._index.path, self._store)


def _listed(reading: Reading[T]) -> dict[str, str]:
    """All files of the dataset; not those of the index folder, which its own commit changes."""
    own = f"{INDEX_FOLDER}/"
    return {path: blob for path, blob in reading.snapshot.files.items() if not path.startswith(own)}

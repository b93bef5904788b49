"""The parsed files of a dataset, kept in memory and brought up to date by reading only what changed.

What an index of the dataset has read already is not read again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from .conflicts import TRIES, tries
from .errors import BadFile, Conflict, NotDelivered, StoreError
from .index import Index, Indexed, NewerIndex
from .names import is_data_path, is_safe_path
from .store import Snapshot, Store

log = logging.getLogger(__name__)

T = TypeVar("T")

AT_ONCE = 500
"""How many files are read before they are parsed: what was read is kept when the rest cannot be."""


@dataclass(frozen=True)
class Reading(Generic[T]):
    """The parsed files of a dataset at one snapshot: the good ones by path, of each broken one the reason."""

    snapshot: Snapshot
    values: Mapping[str, T]
    broken: Mapping[str, str]

    @classmethod
    def empty(cls) -> Reading[T]:
        """What is known before the first look."""
        return cls(Snapshot("", {}), {}, {})


class Mirror(Generic[T]):
    """Keeps the files of one dataset that are wanted: its requests or results, unless told otherwise.

    `has_newer_index` is whether the dataset's index is one that this version cannot read. While many files
    are read, `on_progress` gets what there is until then, and how many are left. Not for use by two threads
    at a time.
    """

    def __init__(
        self,
        store: Store,
        parse: Callable[[str, bytes], T],
        *,
        is_wanted: Callable[[str], bool] = is_data_path,
        index: Index[T] | None = None,
        on_progress: Callable[[Reading[T], int], None] = lambda reading, left: None,
    ) -> None:
        self._store = store
        self._parse = parse
        self._is_wanted = is_wanted
        self._index = index
        self._indexed: tuple[str, Indexed[T]] = ("", Indexed({}, {}))
        self.has_newer_index = False
        self._on_progress = on_progress
        self._parsed: dict[str, tuple[str, T | BadFile]] = {}
        self._reading: Reading[T] | None = None
        self._is_whole = True

    @property
    def latest(self) -> Reading[T]:
        """What was read last."""
        return self._reading or Reading.empty()

    def refresh(self) -> Reading[T]:
        """The dataset as it is now; the same object as before when nothing changed.

        Raises StoreError when it cannot be read.
        """
        for _ in tries():
            snapshot = self._store.snapshot()
            if self._reading and self._is_whole and self._reading.snapshot.revision == snapshot.revision:
                return self._reading
            try:
                return self.at(snapshot)
            except Conflict:
                continue
        raise StoreError(f"{self._store} changes faster than it can be read: {TRIES} tries were not enough.")

    def at(self, snapshot: Snapshot) -> Reading[T]:
        """The same at a snapshot that was taken already.

        Raises Conflict when it can no longer be read, and StoreError as `refresh`.
        """
        wanted = {path: blob for path, blob in snapshot.files.items() if self._is_wanted(path)}
        self._parsed = {path: parsed for path, parsed in self._parsed.items() if path in wanted}
        changed = self._changed(wanted)
        if len(changed) > 1:  # a single one is read faster than the index
            self._take_from_the_index(snapshot, changed)
            changed = self._changed(wanted)
        missing: dict[str, NotDelivered] = {}
        for start in range(0, len(changed), AT_ONCE):
            if start:
                self._on_progress(self._so_far(snapshot), len(changed) - start)
            for path, data in self._store.read(snapshot, changed[start : start + AT_ONCE]).items():
                if isinstance(data, NotDelivered):
                    missing[path] = data
                else:
                    self._parsed[path] = (wanted[path], self._parse_or_name(path, data))
        return self._new_reading(snapshot, wanted, missing)

    def _changed(self, wanted: Mapping[str, str]) -> list[str]:
        return [path for path, blob in wanted.items() if self._parsed.get(path, ("", None))[0] != blob]

    def missing_in_the_index(self, reading: Reading[T]) -> int:
        """How many files of the reading the dataset's index does not have as they are now.

        Raises StoreError when the index cannot be read.
        """
        indexed = self._read_index(reading.snapshot)
        files = reading.snapshot.files
        return sum(indexed.files.get(path) != files[path] for path in (*reading.values, *reading.broken))

    def _take_from_the_index(self, snapshot: Snapshot, changed: Collection[str]) -> None:
        """Take what the dataset's index has of these, where it was read from the very same content."""
        indexed = self._read_index(snapshot)
        for path in changed:
            if path in indexed.values and indexed.files.get(path) == snapshot.files[path]:
                self._parsed[path] = (snapshot.files[path], indexed.values[path])

    def _read_index(self, snapshot: Snapshot) -> Indexed[T]:
        """The index at a snapshot, empty when there is none that can be used; read again when it changed."""
        blob = snapshot.files.get(self._index.path, "") if self._index else ""
        if self._indexed[0] != blob:
            self._indexed = (blob, Indexed({}, {}))
            self.has_newer_index = False
            if self._index and blob:
                self._indexed = (blob, self._indexed_in(self._index, snapshot))
        return self._indexed[1]

    def _indexed_in(self, index: Index[T], snapshot: Snapshot) -> Indexed[T]:
        try:
            data = self._store.read(snapshot, [index.path])[index.path]
            if isinstance(data, BadFile):
                raise data
            return index.read(data)
        except BadFile as error:
            self.has_newer_index = isinstance(error, NewerIndex)
            log.warning("did not use %s in %s: %s", index.path, self._store, error)
            return Indexed({}, {})

    def _so_far(self, snapshot: Snapshot) -> Reading[T]:
        values = {path: value for path, (_, value) in self._parsed.items() if not isinstance(value, BadFile)}
        broken = {path: str(value) for path, (_, value) in self._parsed.items() if isinstance(value, BadFile)}
        return Reading(snapshot, values, broken)

    def _new_reading(
        self, snapshot: Snapshot, wanted: Collection[str], missing: Mapping[str, NotDelivered]
    ) -> Reading[T]:
        """The same object as before if nothing is different."""
        parsed = {path: missing[path] if path in missing else self._parsed[path][1] for path in wanted}
        values = {path: value for path, value in parsed.items() if not isinstance(value, BadFile)}
        broken = {path: str(value) for path, value in parsed.items() if isinstance(value, BadFile)}
        reading = Reading(snapshot, values, broken)
        self._is_whole = not missing
        if self._reading != reading:
            self._reading = reading
        return self._reading

    def _parse_or_name(self, path: str, data: bytes | BadFile) -> T | BadFile:
        try:
            if isinstance(data, BadFile):
                raise data
            if not is_safe_path(path):  # a worker that claimed it could never write it
                raise BadFile("its name is too long or has characters that cannot be shown: rename it")
            return self._parse(path, data)
        except BadFile as error:
            log.warning("skipped %s in %s: %s", path, self._store, error)
            return error

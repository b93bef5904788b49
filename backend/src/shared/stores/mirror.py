"""The parsed files of a dataset, kept in memory and updated by reading only what changed.

Files in the dataset's index are not read again. If another version of the reader indexed them, their values
are shown for now and gradually read again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..data.names import is_data_path, is_safe_path, place_of
from ..errors import BadFile, Conflict, NotDelivered, StoreError
from ..index.index import Index, Indexed, NewerIndex
from .conflicts import TRIES, without_conflict
from .store import Snapshot, Store

log = logging.getLogger(__name__)

T = TypeVar("T")

READ_AGAIN_AT_ONCE = 100
"""How many files of another reader are read again per refresh. Every half minute, that is a fifth of the
Hub's limit.
"""

AT_ONCE = 500
"""How many files are read before they are parsed. What has been read is kept if the rest fails."""

NOT_WHOLE = (
    "The Hub does not deliver all files of {} now, for example {}: try again later. If that does not help, "
    "upload this file again, or delete it."
)


@dataclass(frozen=True)
class Reading(Generic[T]):
    """The parsed files of a dataset at one snapshot."""

    snapshot: Snapshot
    values: Mapping[str, T]
    """The parsed files, by path."""
    broken: Mapping[str, str]
    """For each file that cannot be understood the reason and what to do, by path."""
    undelivered: frozenset[str] = frozenset()
    """The paths of those that the Hub lists but did not deliver this time."""

    @classmethod
    def empty(cls) -> Reading[T]:
        """The reading before the first refresh."""
        return cls(Snapshot("", {}), {}, {})


class Mirror(Generic[T]):
    """Keeps the wanted files of one dataset, by default its requests or results.

    During a long reading, `on_progress` gets the files so far and the number left. Not for use by two threads
    at a time.
    """

    has_newer_index: bool
    """Whether a newer version of this code wrote the dataset's index."""
    others: dict[str, int]
    """The versions of the readers of the values that are still to be read again, by path."""

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
        self._indexed: tuple[str, Indexed[T]] = ("", Indexed())
        self.has_newer_index = False
        self.others = {}
        self._on_progress = on_progress
        self._parsed: dict[str, tuple[str, T | BadFile]] = {}
        self._reading: Reading[T] | None = None
        self._is_whole = True

    @property
    def latest(self) -> Reading[T]:
        """The last reading."""
        return self._reading or Reading.empty()

    def refresh(self) -> Reading[T]:
        """Return the dataset as it is now: the same object as before if nothing changed.

        Raises StoreError if it cannot be read.
        """
        return without_conflict(
            self._refresh,
            f"{self._store} changes faster than it can be read: {TRIES} tries were not enough.",
        )

    def refresh_whole(self) -> Reading[T]:
        """Like `refresh`, for a decision on which a file that the Hub did not deliver may have a bearing.

        Raises StoreError also if there is one.
        """
        reading = self.refresh()
        if reading.undelivered:
            raise StoreError(NOT_WHOLE.format(self._store, min(reading.undelivered)))
        return reading

    def _refresh(self) -> Reading[T]:
        snapshot = self._store.snapshot()
        is_same = self._reading and self._reading.snapshot.revision == snapshot.revision
        if self._reading and is_same and self._is_whole and not self.others:
            return self._reading
        return self.at(snapshot)

    def at(self, snapshot: Snapshot) -> Reading[T]:
        """Return the reading at an existing snapshot.

        Raises Conflict if it can no longer be read, and StoreError as `refresh` does.
        """
        wanted = {path: blob for path, blob in snapshot.files.items() if self._is_wanted(path)}
        self._parsed = {path: parsed for path, parsed in self._parsed.items() if path in wanted}
        self.others = {path: reader for path, reader in self.others.items() if path in wanted}
        changed = self._changed(wanted)
        if len(changed) > 1 or self.others:  # a single one is read faster than the index
            self._take_from_the_index(snapshot, [*changed, *self.others])
            changed = self._changed(wanted)
        missing: dict[str, NotDelivered] = {}
        for start in range(0, len(changed), AT_ONCE):
            if start:
                self._on_progress(self._so_far(snapshot), len(changed) - start)
            missing |= self._read(snapshot, changed[start : start + AT_ONCE])
        self._read_again(snapshot)
        return self._new_reading(snapshot, wanted, missing)

    def _read(self, snapshot: Snapshot, paths: Collection[str]) -> dict[str, NotDelivered]:
        """Read and parse files; return those that the Hub did not deliver. Raises Conflict and StoreError."""
        missing = {}
        for path, data in self._store.read(snapshot, paths).items():
            if isinstance(data, NotDelivered):
                missing[path] = data
            else:
                self._parsed[path] = (snapshot.files[path], self._parse_or_name(path, data))
                self.others.pop(path, None)
        return missing

    def _read_again(self, snapshot: Snapshot) -> None:
        """Read some of the files again that another version of the reader read. Raises Conflict."""
        if not self._reading or not self.others:  # the first reading must not wait for it
            return
        try:
            self._read(snapshot, list(self.others)[:READ_AGAIN_AT_ONCE])
        except Conflict:
            raise
        except StoreError as error:  # meanwhile, the values of the other version are shown
            log.info("%d files in %s are still to be read again: %s", len(self.others), self._store, error)

    def _changed(self, wanted: Mapping[str, str]) -> list[str]:
        return [path for path, blob in wanted.items() if self._parsed.get(path, ("", None))[0] != blob]

    def missing_in_the_index(self, reading: Reading[T]) -> int:
        """Return how many files of the reading the dataset's index does not have as they are now, and as our
        own reader reads them.

        Raises StoreError when the index cannot be read.
        """
        indexed, files = self._read_index(reading.snapshot), reading.snapshot.files

        def is_missing(path: str) -> bool:
            is_read_again = path in reading.values and path not in self.others
            is_ours = not self._index or indexed.readers.get(path) == self._index.reader
            return indexed.files.get(path) != files[path] or (is_read_again and not is_ours)

        return sum(map(is_missing, (*reading.values, *reading.broken)))

    def _take_from_the_index(self, snapshot: Snapshot, paths: Collection[str]) -> None:
        """Take these files from the dataset's index if it has exactly the same content."""
        indexed = self._read_index(snapshot)
        for path in paths:
            if path not in indexed.values or indexed.files.get(path) != snapshot.files[path]:
                continue
            is_ours = self._index is not None and indexed.readers[path] == self._index.reader
            if is_ours:
                self.others.pop(path, None)
            elif self._parsed.get(path, ("", None))[0] == snapshot.files[path]:
                continue
            else:
                self.others[path] = indexed.readers[path]
            self._parsed[path] = (snapshot.files[path], indexed.values[path])

    def _read_index(self, snapshot: Snapshot) -> Indexed[T]:
        """Return the index at a snapshot, empty if none can be used. It is read again when it changes."""
        place = place_of(self._index.path, snapshot.files) if self._index else ""
        blob = snapshot.files.get(place, "")
        if self._indexed[0] != blob:
            self._indexed = (blob, Indexed())
            self.has_newer_index = False
            if self._index and blob:
                self._indexed = (blob, self._indexed_in(self._index, place, snapshot))
        return self._indexed[1]

    def _indexed_in(self, index: Index[T], place: str, snapshot: Snapshot) -> Indexed[T]:
        try:
            data = self._store.read(snapshot, [place])[place]
            if isinstance(data, BadFile):
                raise data
            indexed = index.read(data)
        except BadFile as error:
            self.has_newer_index = isinstance(error, NewerIndex)
            log.warning("did not use %s in %s: %s", place, self._store, error)
            return Indexed()
        self.has_newer_index = indexed.writer > index.reader
        return indexed

    def _so_far(self, snapshot: Snapshot) -> Reading[T]:
        parsed = {path: value for path, (_, value) in self._parsed.items()}
        values = {path: value for path, value in parsed.items() if not isinstance(value, BadFile)}
        broken = {path: value.sentence for path, value in parsed.items() if isinstance(value, BadFile)}
        return Reading(snapshot, values, broken)

    def _new_reading(
        self, snapshot: Snapshot, wanted: Collection[str], missing: Mapping[str, NotDelivered]
    ) -> Reading[T]:
        """Return the new reading, or the same object as before if nothing is different."""
        parsed = {path: missing[path] if path in missing else self._parsed[path][1] for path in wanted}
        values = {path: value for path, value in parsed.items() if not isinstance(value, BadFile)}
        broken = {path: value.sentence for path, value in parsed.items() if isinstance(value, BadFile)}
        reading = Reading(snapshot, values, broken, frozenset(missing))
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

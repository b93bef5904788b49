"""The parsed files of a dataset, kept in memory and brought up to date by reading only what changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from .conflicts import TRIES, tries
from .errors import BadFile, Conflict, NotDelivered, StoreError
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

    Not for use by two threads at a time.
    """

    def __init__(
        self,
        store: Store,
        parse: Callable[[str, bytes], T],
        *,
        is_wanted: Callable[[str], bool] = is_data_path,
    ) -> None:
        self._store = store
        self._parse = parse
        self._is_wanted = is_wanted
        self._parsed: dict[str, tuple[str, T | BadFile]] = {}
        self._reading: Reading[T] | None = None
        self._is_whole = True

    def refresh(self) -> Reading[T]:
        """The dataset as it is now; the same object as before when nothing changed.

        Raises StoreError when it cannot be read.
        """
        for _ in tries():
            snapshot = self._store.snapshot()
            if self._reading and self._is_whole and self._reading.snapshot.revision == snapshot.revision:
                return self._reading
            try:
                return self._read(snapshot)
            except Conflict:
                continue
        raise StoreError(f"{self._store} changes faster than it can be read: {TRIES} tries were not enough.")

    def _read(self, snapshot: Snapshot) -> Reading[T]:
        wanted = {path: blob for path, blob in snapshot.files.items() if self._is_wanted(path)}
        self._parsed = {path: parsed for path, parsed in self._parsed.items() if path in wanted}
        changed = [path for path, blob in wanted.items() if self._parsed.get(path, ("", None))[0] != blob]
        missing: dict[str, NotDelivered] = {}
        for start in range(0, len(changed), AT_ONCE):
            for path, data in self._store.read(snapshot, changed[start : start + AT_ONCE]).items():
                if isinstance(data, NotDelivered):
                    missing[path] = data
                else:
                    self._parsed[path] = (wanted[path], self._parse_or_name(path, data))
        return self._new_reading(snapshot, wanted, missing)

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

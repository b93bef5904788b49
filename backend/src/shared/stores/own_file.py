"""Reads one of our own files in a dataset, where it lies now or lay in earlier versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..data.names import place_of
from ..errors import BadFile
from .store import Snapshot, Store

T = TypeVar("T")


def own_file(store: Store, snapshot: Snapshot, path: str, parse: Callable[[bytes], T]) -> T | None:
    """Return what a file says; None if there is none. Raises BadFile and StoreError."""
    place = place_of(path, snapshot.files)
    if place not in snapshot.files:
        return None
    data = store.read(snapshot, [place])[place]
    if isinstance(data, BadFile):
        raise data
    return parse(data)

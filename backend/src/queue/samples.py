"""Publishes the samples of evaluations: into the results dataset, or a dataset of their own."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from src.running.job import Ending
from src.shared.data.names import is_safe_path, samples_folder
from src.shared.data.request import Request
from src.shared.stores.conflicts import Commit, update
from src.shared.stores.store import Snapshot, Store

log = logging.getLogger(__name__)

MAX_SAMPLES_BYTES = 200_000_000
"""The largest file of samples that is published. A worker holds it in memory."""

Files = Mapping[str, bytes]
"""Files to commit, by path."""


class SamplesPublisher:
    """Decides where samples go. Without a store of their own they join the commit of their result."""

    def __init__(self, store: Store | None = None) -> None:
        self._store = store
        self._committed: set[str] = set()
        """The paths in the store that this process has written: writing the same again is a conflict."""

    def entry(self, ending: Ending, request: Request) -> dict[str, object] | None:
        """Return what the result says about its samples, or None if it has none."""
        if ending.samples is None:
            return None
        return {"repo": str(self._store) if self._store else None, "path": _folder(request)}

    def publish(self, ending: Ending, request: Request) -> Files:
        """Commit an evaluation's samples to their own store, or return them for the commit of its result.

        Raises StoreError.
        """
        files = files_of(ending.samples, _folder(request)) if ending.samples else {}
        if self._store is None:
            return files
        new = {path: data for path, data in files.items() if path not in self._committed}
        if new:
            update(self._store, self._store.snapshot, lambda snapshot: _commit(snapshot, new, request))
            self._committed |= new.keys()
        return {}


def _folder(request: Request) -> str:
    assert request.run
    return samples_folder(request.model, request.run, request.attempt)


def _commit(snapshot: Snapshot, files: Files, request: Request) -> Commit:
    return Commit(snapshot, f"add the samples of {request.model}", files)


def files_of(left: Path, folder: str) -> Files:
    """Return the files of samples that a child left, by their paths below a folder of the dataset.

    A child has loaded a stranger's model, so nothing is taken but plain files with possible names.
    """
    found: dict[str, bytes] = {}
    for file in sorted(left.iterdir()):
        path = f"{folder}/{file.name}"
        if file.is_symlink() or not file.is_file() or file.suffix != ".parquet" or not is_safe_path(path):
            log.warning("not published, because it is not a file of samples: %s", file.name)
        elif (size := file.stat().st_size) > MAX_SAMPLES_BYTES:
            log.warning("%s has %d bytes, and no more than %d are published", path, size, MAX_SAMPLES_BYTES)
        else:
            found[path] = file.read_bytes()
    return found

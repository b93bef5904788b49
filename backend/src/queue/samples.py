"""Publishes the samples of evaluations: into the results dataset, or a dataset of their own.

Samples never hold a result back for long. What cannot be published is named in the worker's log.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from src.running.job import Ending
from src.shared.data.names import is_safe_path, samples_folder
from src.shared.data.request import Request
from src.shared.errors import StoreError
from src.shared.stores.conflicts import Commit, update
from src.shared.stores.store import Snapshot, Store

log = logging.getLogger(__name__)

MAX_SAMPLES_BYTES = 200_000_000
"""How many bytes of samples are published of one evaluation. A worker holds them in memory."""

MOST_TRIES = 10
"""How often samples are tried, once a tick, before their result is published without them."""

Files = Mapping[str, bytes]
"""Files to commit, by path."""


@dataclass(frozen=True)
class Published:
    """What became of an evaluation's samples."""

    entry: Mapping[str, object] | None = None
    """What the result says about them, or None if there are none."""
    files: Files | None = None
    """The files that join the commit of the result, if they have no dataset of their own."""
    is_waiting: bool = False
    """Whether the result should wait, because their dataset could not be written to."""


class SamplesPublisher:
    """Decides where samples go. Without a store of their own they join the commit of their result."""

    def __init__(self, tasks: Collection[str] = (), store: Store | None = None) -> None:
        self.store = store
        self._tasks = tasks
        self._done: dict[str, Published] = {}
        """By folder, what this process has written to the store."""
        self._failures: Counter[str] = Counter()

    def publish(self, ending: Ending, request: Request) -> Published:
        """Commit an evaluation's samples to their own store, or return them for the commit of its result."""
        if ending.samples is None or ending.report is None:
            return Published()
        assert request.run
        folder = samples_folder(request.model, request.run, request.attempt)
        if folder in self._done:
            return self._done[folder]
        names = {f"{quote(task, safe='')}.parquet" for task in request.tasks_among(self._tasks)}
        files = files_of(ending.samples, folder, names)
        entry = {"repo": str(self.store) if self.store else None, "path": folder} if files else None
        if self.store is None or not files:
            return Published(entry, files)
        try:
            update(self.store, self.store.snapshot, lambda snapshot: _commit(snapshot, files, request))
        except StoreError as error:
            return self._not_written(folder, error)
        self._done[folder] = Published(entry)
        return self._done[folder]

    def _not_written(self, folder: str, error: StoreError) -> Published:
        """Have the result wait for the next tick or, after MOST_TRIES, be published without its samples."""
        self._failures[folder] += 1
        is_waiting = self._failures[folder] < MOST_TRIES
        log.error("%s are not published%s: %s", folder, " yet" if is_waiting else "", error)
        return Published(is_waiting=is_waiting)


def _commit(snapshot: Snapshot, files: Files, request: Request) -> Commit:
    return Commit(snapshot, f"add the samples of {request.model}", files)


def files_of(left: Path, folder: str, names: Collection[str]) -> Files:
    """Return the files of samples that a child left, by their paths below a folder of the dataset.

    A child has loaded a stranger's model, so nothing is taken but plain files with the names of the tasks. A
    file that cannot be read, or is too large, is left out.
    """
    found: dict[str, bytes] = {}
    rest = MAX_SAMPLES_BYTES
    for name in sorted(names):
        file, path = left / name, f"{folder}/{name}"
        try:
            if file.is_symlink() or not file.is_file() or not is_safe_path(path):
                log.warning("%s are missing", path)
            elif (size := file.stat().st_size) > rest:
                log.warning("%s are too large: %d bytes, where %d are left", path, size, rest)
            else:
                found[path] = file.read_bytes()
                rest -= size
        except OSError as error:
            log.warning("%s cannot be read: %s", path, error)
    return found

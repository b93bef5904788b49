"""Backs a board up: every file of its datasets, each dataset at one revision, into a folder.

A second backup into the same folder reads only what changed. One that was interrupted is completed by the
next; until then the folder has no `backup.json`.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from src.shared.data.names import JOURNAL, LOCK
from src.shared.errors import StoreError
from src.shared.times import Clock, utc_now
from src.shared.version import VERSION
from src.upkeep.backup_file import NAME, UNFINISHED, Backup, Kept, KeptDataset, Part, write_backup
from src.upkeep.contents import Content, Folder, content_of, is_storable
from src.upkeep.datasets import AGAIN, Dataset, Listing, Say
from src.upkeep.folder_dataset import FolderDataset
from src.upkeep.progress import telling

PARTS = ".parts"
"""The folder of files that are not whole yet."""

TRIES = 5
"""How often the datasets are listed to find a moment without changes. On a busy queue there may be none."""

MISSING = "The dataset {} does not exist, or HF_TOKEN cannot see it: there is nothing to back up."
NOT_A_BACKUP = (
    "{} is neither an empty folder nor a backup. Name an empty folder, or a backup to bring up to date."
)
OVERLAPS = "The folder {} overlaps with the dataset {}. Name a folder elsewhere."
CANNOT_BE_KEPT = "{} in {} cannot be saved in a folder: its name is too long or not allowed. Rename it there."
WOULD_LOSE = (
    "The backup in {} has {}, and this one would lack them. Set SAMPLES_REPO to their dataset, which "
    "HF_TOKEN must be able to read, or name another folder."
)
CHANGED = "{} changed during the backup. {}"
LEFT_OUT = "Left out {} in {}: it is a link or a lock file, or its name is not UTF-8."


@dataclass(frozen=True)
class Copied:
    """One dataset of a finished copy."""

    kept: KeptDataset
    fetched: int
    """The number of files that were not in the folder yet."""


def back_up(
    datasets: Mapping[Part, Dataset], folder: Path, say: Say, clock: Clock = utc_now
) -> Mapping[Part, Copied]:
    """Copy datasets into a folder, and return what it has now. Raises StoreError."""
    _refuse(datasets, folder)
    copies = {part: Folder(folder / part) for part in datasets}
    try:
        _begin(folder)
        fetched = dict.fromkeys(datasets, 0)
        for part, dataset in datasets.items():
            if dataset.is_local and (listing := dataset.listing()):
                # Most is copied before the folder is held, so that workers wait only for the rest.
                fetched[part] = _copy(dataset, listing, copies[part], folder / PARTS, say, may_change=True)
        with ExitStack() as held:
            for dataset in datasets.values():
                held.enter_context(dataset.held())
            listings = _at_one_moment(datasets)
            copied = {
                part: _copied(datasets[part], listing, copies[part], folder / PARTS, say, fetched[part])
                for part, listing in listings.items()
            }
        _end(folder, copied, clock)
    except OSError as error:
        raise StoreError(
            f"Cannot write to {error.filename or folder}: {error.strerror or error}. Check that the disk has "
            f"room. {AGAIN}"
        ) from error
    return copied


def _refuse(datasets: Mapping[Part, Dataset], folder: Path) -> None:
    """Refuse a backup that could destroy something, or of nothing. Raises StoreError."""
    for dataset in datasets.values():
        if isinstance(dataset, FolderDataset):
            ours, theirs = folder.resolve(), dataset.folder.resolve()
            if any(a.is_relative_to(theirs) for a in (ours, *(ours / part for part in Part))):
                raise StoreError(OVERLAPS.format(folder, dataset))
        if dataset.revision() is None:
            raise StoreError(MISSING.format(dataset))
    if folder.exists() and not folder.is_dir():
        raise StoreError(NOT_A_BACKUP.format(folder))
    for part in Part:
        if part not in datasets and (folder / part).is_dir() and any((folder / part).iterdir()):
            raise StoreError(WOULD_LOSE.format(folder, part))
    is_ours = any((folder / name).is_file() for name in (NAME, UNFINISHED))
    if folder.is_dir() and any(folder.iterdir()) and not is_ours:
        raise StoreError(NOT_A_BACKUP.format(folder))


def _begin(folder: Path) -> None:
    """Mark the folder as unfinished before anything in it changes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / UNFINISHED).touch()
    (folder / NAME).unlink(missing_ok=True)
    shutil.rmtree(folder / PARTS, ignore_errors=True)
    (folder / PARTS).mkdir()


def _end(folder: Path, copied: Mapping[Part, Copied], clock: Clock) -> None:
    shutil.rmtree(folder / PARTS)
    datasets = {part: each.kept for part, each in copied.items()}
    write_backup(folder, Backup(made=clock(), template=VERSION, datasets=datasets))
    (folder / UNFINISHED).unlink()


def _at_one_moment(datasets: Mapping[Part, Dataset]) -> Mapping[Part, Listing]:
    """List the datasets so that every finished request has its result.

    A worker publishes the result, and its samples before it, and only then finishes the request. So what is
    read after the requests has the results of all that are finished there. A removal deletes in the other
    order. So if the requests changed meanwhile, all are listed again.
    """
    for _ in range(TRIES):
        listings = {part: _listed(datasets[part]) for part in Part if part in datasets}
        if datasets[Part.REQUESTS].revision() == listings[Part.REQUESTS].revision:
            break
    return listings


def _listed(dataset: Dataset) -> Listing:
    listing = dataset.listing()
    if listing is None:
        raise StoreError(MISSING.format(dataset))
    return listing


def _copied(dataset: Dataset, listing: Listing, copy: Folder, parts: Path, say: Say, before: int) -> Copied:
    """Copy a dataset, verify the whole copy, and return its contents.

    `before` is the number of files that were fetched already.
    """
    fetched = before + _copy(dataset, listing, copy, parts, say)
    there, wanted = copy.files(), _storable(dataset, listing)
    wrong = [path for path in there.keys() | wanted if not _is_same(there.get(path), wanted.get(path))]
    if wrong:
        raise StoreError(CHANGED.format(copy.path / min(wrong), AGAIN))
    _tell_left_out(dataset, listing, say)
    files = {path: Kept(bytes=each.size, sha256=each.sha256 or "") for path, each in there.items()}
    kept = KeptDataset(
        name=str(dataset), revision=listing.revision, private=dataset.is_private(), files=files
    )
    return Copied(kept, fetched)


def _copy(
    dataset: Dataset, listing: Listing, copy: Folder, parts: Path, say: Say, *, may_change: bool = False
) -> int:
    """Make a folder have exactly the files of a listing, and return how many were missing in it.

    With `may_change`, leave out what changed since it was listed.
    """
    copy.path.mkdir(exist_ok=True)
    there, wanted = copy.files(), _storable(dataset, listing)
    for path in there.keys() - wanted.keys():
        copy.delete(path)
    missing = [path for path, content in wanted.items() if not _is_same(there.get(path), content)]

    def fetch(numbered: tuple[int, str]) -> None:
        number, path = numbered
        waiting, place = parts / str(number), copy.path / path
        try:
            dataset.save(listing, path, waiting)
        except StoreError:
            if may_change:
                return
            raise
        if content_of(waiting).is_same(wanted[path]):
            place.parent.mkdir(parents=True, exist_ok=True)
            waiting.replace(place)

    line = f"{dataset}: {{done}} of {{all}} files"
    readers = ThreadPoolExecutor(dataset.readers)
    try:
        for _ in zip(telling(missing, line, say), readers.map(fetch, enumerate(missing)), strict=True):
            pass
    finally:
        readers.shutdown(cancel_futures=True)
    return len(missing)


def _storable(dataset: Dataset, listing: Listing) -> Mapping[str, Content]:
    """Return the files that a folder can hold: no lock or journal, which would act on the copy.

    Raises StoreError for any other.
    """
    for path in listing.files:
        if not is_storable(path) and path not in (LOCK, JOURNAL):
            raise StoreError(CANNOT_BE_KEPT.format(repr(path), dataset))
    return {path: content for path, content in listing.files.items() if is_storable(path)}


def _is_same(one: Content | None, other: Content | None) -> bool:
    return one is not None and one.is_same(other)


def _tell_left_out(dataset: Dataset, listing: Listing, say: Say) -> None:
    odd: Collection[str] = dataset.contents.odd if isinstance(dataset, FolderDataset) else ()
    for path in sorted({*odd, *(listing.files.keys() & {LOCK, JOURNAL})}):
        say(LEFT_OUT.format(repr(path)[1:-1], dataset))

"""Restores a board from a backup: afterwards its datasets have the same files with the same bytes.

The backup is verified first. Results go before requests, so that no request is finished without its result.
Restoring again after an interruption writes only what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain, count
from pathlib import Path

from src.shared.data.names import BOARD
from src.shared.data.request import Request, Status
from src.shared.errors import Conflict, StoreError
from src.shared.stores.hub_store import MADE_BY_THE_HUB
from src.shared.times import Clock, utc_now
from src.upkeep.backup_file import Backup, KeptDataset, Part, read_backup
from src.upkeep.contents import Content, content_of
from src.upkeep.datasets import AGAIN, Dataset, Listing, Say
from src.upkeep.progress import telling

ORDER = (Part.SAMPLES, Part.RESULTS, Part.REQUESTS)

MOST_FILES, MOST_BYTES = 1_000, 50_000_000
"""The most in one commit: the Hub refuses one that takes it longer than a minute."""

IN_LFS = 10 * 2**20
"""From this many bytes a file is sent by itself, before the commit."""

TRIES = 5
"""The number of tries to write to a dataset that others write to."""

MOST_NAMED = 5

DAMAGED = (
    "The backup in {} is damaged, so nothing was written. Missing or changed files ({}): {}. Use another "
    "backup."
)
DIFFERS = (
    "{} has files that are not in the backup or differ from it: {} in all, such as {}. {} To make it the "
    "same as the backup, add --replace: that deletes or replaces these files."
)
RUNS = (
    "{} is being evaluated by {}, and its request would be replaced. {} Pause the Spaces "
    "and stop the workers, which returns their requests to the queue. If the worker is gone for good, or its "
    "work may be lost, add --even-running."
)
WHOSE = (
    "The backup is of {}, and {} there names the Spaces of that board. Nothing was written. To restore it "
    "for other Spaces, add --board another: {} then keeps its own file, or the first Spaces write theirs. If "
    "the same Spaces will use it, for example because their organisation was renamed, add --board same."
)
NOTHING_YET = "Nothing was written."
A_PART = "Others wrote to it in the meantime, and a part of the backup is already restored."
OTHERS_WRITE = "Others keep writing to {}. Pause the Spaces and stop the workers. {}"


class ForWhom(StrEnum):
    """The Spaces for which a backup is restored into datasets of other names."""

    SAME = "same"
    """`board.yaml` is restored too."""
    ANOTHER = "another"
    """`board.yaml` stays as it is there."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The conditions of a restore: which files it may replace, and for which Spaces it is."""

    replace: bool = False
    even_running: bool = False
    board: ForWhom | None = None


@dataclass(frozen=True)
class Restored:
    """One dataset that was restored."""

    dataset: Dataset
    created: bool
    written: int
    deleted: int
    same: int
    """The number of files that were right already."""

    @property
    def is_changed(self) -> bool:
        """Whether anything was written to it."""
        return self.created or self.written > 0 or self.deleted > 0


@dataclass(frozen=True)
class _Target:
    """A dataset to restore, and what it should have."""

    dataset: Dataset
    kept: KeptDataset
    folder: Path
    wanted: Mapping[str, Content]
    left_alone: Collection[str]
    private: bool

    def missing(self, listing: Listing) -> list[str]:
        """Return the files to write."""
        return [path for path, each in self.wanted.items() if not each.is_same(listing.files.get(path))]

    def superfluous(self, listing: Listing) -> list[str]:
        """Return the files to delete."""
        return sorted(listing.files.keys() - self.wanted.keys() - set(self.left_alone))

    def to_do(self, listing: Listing) -> set[str]:
        """Return the files to write or delete."""
        return {*self.missing(listing), *self.superfluous(listing)}

    def lost(self, listing: Listing) -> list[str]:
        """Return the files that restoring deletes or replaces, except those that every new dataset has."""
        changed = [path for path in self.missing(listing) if path in listing.files]
        return sorted({*changed, *self.superfluous(listing)} - MADE_BY_THE_HUB)


Check = Callable[[_Target, Listing, str], None]
"""Raises StoreError, with what was done so far, if writing would lose what may not be lost."""


def restore(
    folder: Path,
    datasets: Mapping[Part, Dataset],
    terms: Terms,
    say: Say,
    *,
    requests: Callable[[], Mapping[str, Request]],
    private_by_default: Mapping[Part, bool],
    clock: Clock = utc_now,
    at_once: int = MOST_FILES,
) -> list[Restored]:
    """Restore the datasets that are given, and return what was done. Raises StoreError.

    `requests` reads the requests that are there. `private_by_default` is for a dataset whose backup is of a
    folder.
    """
    backup = read_backup(folder)
    contents = _verified(folder, backup, datasets, say)
    parts = [part for part in ORDER if part in datasets and part in backup.datasets]
    targets = []
    for part in parts:
        dataset, kept = datasets[part], backup.datasets[part]
        left_alone = _left_alone(dataset, kept, terms)
        wanted = {path: each for path, each in contents[part].items() if path not in left_alone}
        private = private_by_default[part] if kept.private is None else kept.private
        targets.append(_Target(dataset, kept, folder / part, wanted, left_alone, private))

    def check(target: _Target, listing: Listing, so_far: str) -> None:
        lost = target.lost(listing)
        if lost and not terms.replace:
            raise StoreError(DIFFERS.format(target.dataset, f"{len(lost):,}", repr(lost[0])[1:-1], so_far))
        if lost and target.folder == folder / Part.REQUESTS and not terms.even_running:
            _refuse_running(requests(), lost, clock(), so_far)

    for target in targets:
        if listing := target.dataset.listing():
            check(target, listing, NOTHING_YET)
    done: list[Restored] = []
    for target in targets:
        is_begun = any(each.is_changed for each in done)
        done.append(_restored(target, check, say, at_once, is_begun=is_begun))
    return done


def _verified(
    folder: Path, backup: Backup, datasets: Collection[Part], say: Say
) -> Mapping[Part, Mapping[str, Content]]:
    """Return the contents of a backup's files, if all are what was backed up. Raises StoreError."""
    kept_here = {part: kept for part, kept in backup.datasets.items() if part in datasets}
    named = [(part, path) for part, kept in kept_here.items() for path in kept.files]
    found: dict[Part, dict[str, Content]] = {part: {} for part in backup.datasets}
    damaged = []
    for part, path in telling(named, "verified {done} of {all} files of the backup", say):
        kept = backup.datasets[part].files[path]
        place = folder / part / path
        try:
            content = None if place.is_symlink() else content_of(place)
        except OSError:
            content = None
        if content and content.sha256 == kept.sha256:
            found[part][path] = content
        else:
            damaged.append(f"{part}/{path}")
    if damaged:
        raise StoreError(DAMAGED.format(folder, f"{len(damaged):,}", _named(damaged)))
    return found


def _left_alone(dataset: Dataset, kept: KeptDataset, terms: Terms) -> Collection[str]:
    """Return the files that stay, if the Spaces are others. Raises StoreError if nobody said so."""
    is_elsewhere = dataset.spaces and kept.name.casefold() != str(dataset).casefold()
    if terms.board is None and is_elsewhere and BOARD in kept.files:
        raise StoreError(WHOSE.format(kept.name, BOARD, dataset))
    return {BOARD} if terms.board is ForWhom.ANOTHER and is_elsewhere else ()


def _refuse_running(
    requests: Mapping[str, Request], lost: Collection[str], now: datetime, so_far: str
) -> None:
    """Refuse to replace requests that a living worker holds. Raises StoreError."""
    for path in lost:
        request = requests.get(path)
        lease = request.lease if request and request.status is Status.RUNNING else None
        if request and lease and not lease.has_run_out(now):
            raise StoreError(RUNS.format(request.model, lease.worker, so_far))


def _restored(target: _Target, check: Check, say: Say, at_once: int, *, is_begun: bool) -> Restored:
    """Make one dataset the same as the backup, and look at it once more. Raises StoreError.

    What others wrote meanwhile is checked as well: it may not be lost either. `is_begun` says whether another
    dataset was changed before.
    """
    dataset = target.dataset
    created = dataset.revision() is None
    if created:
        dataset.create(private=target.private)
    first = _listed(dataset)
    for number in count():
        listing = _listed(dataset)
        if not (left := target.to_do(listing)):
            break
        if number == TRIES:
            raise StoreError(OTHERS_WRITE.format(dataset, AGAIN))
        is_begun = is_begun or created or bool(target.to_do(first) - left)
        check(target, listing, A_PART if is_begun else NOTHING_YET)
        with suppress(Conflict):
            _write_all(target, listing, say, at_once)
    written, deleted = target.missing(first), target.superfluous(first)
    return Restored(dataset, created, len(written), len(deleted), len(target.wanted) - len(written))


def _listed(dataset: Dataset) -> Listing:
    listing = dataset.listing()
    if listing is None:
        raise StoreError(f"{dataset} was there just now, and cannot be found any more. {AGAIN}")
    return listing


def _write_all(target: _Target, listing: Listing, say: Say, at_once: int) -> None:
    """Write what differs, in as few commits as the Hub takes. Raises Conflict if others write, StoreError."""
    missing, superfluous = target.missing(listing), target.superfluous(listing)
    chunks = list(_chunks(target, missing, superfluous, at_once))
    revision: str | None = listing.revision
    for number, (add, delete) in enumerate(chunks):
        if revision is None:
            raise Conflict(f"{target.dataset} is gone.")
        before = Listing(revision, listing.files)
        places = {path: target.folder / path for path in add}
        revision = target.dataset.write(before, places, delete, f"restore a backup of {target.kept.name}")
        if number + 1 < len(chunks):
            say(f"{target.dataset}: {number + 1:,} of {len(chunks):,} commits")


def _chunks(
    target: _Target, missing: Collection[str], superfluous: Collection[str], at_once: int
) -> Iterator[tuple[list[str], list[str]]]:
    """Yield what each commit adds and deletes. Deletions go first: a file may become a folder."""
    add: list[str] = []
    delete: list[str] = []
    size = 0
    changes = chain(((path, True) for path in superfluous), ((path, False) for path in missing))
    for path, is_deleted in changes:
        content = target.wanted.get(path)
        bytes_here = content.size if content and content.size < IN_LFS else 0
        if (add or delete) and (len(add) + len(delete) >= at_once or size + bytes_here > MOST_BYTES):
            yield add, delete
            add, delete, size = [], [], 0
        (delete if is_deleted else add).append(path)
        size += bytes_here
    if add or delete:
        yield add, delete


def _named(paths: Collection[str]) -> str:
    """Return the first of some paths in words."""
    some = ", ".join(repr(path)[1:-1] for path in list(paths)[:MOST_NAMED])
    return some + (f" and {len(paths) - MOST_NAMED:,} more" if len(paths) > MOST_NAMED else "")

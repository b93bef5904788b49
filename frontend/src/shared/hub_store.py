"""A store in a dataset on the Hub: the tree is read by difference, and a commit names its parent.

`create_commit(parent_commit=…)` is the Hub's only compare-and-swap. Its answer can be lost after the commit
landed; so each commit carries a nonce in its description, by which it is found in the history.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice, takewhile
from pathlib import PurePosixPath
from secrets import token_hex
from threading import Lock
from typing import NoReturn
from urllib.parse import quote

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, hf_hub_url
from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile, RepoFolder

from .errors import Conflict, DatasetMissing, StoreError
from .hub import CONFLICTS, FAILURES, Hub, is_passing, reason, status_of
from .names import LOGS_FOLDER, is_hidden, is_safe_path
from .pace import Pace
from .store import Snapshot, blob_id

log = logging.getLogger(__name__)

DATASET = "dataset"
READERS = 16
"""How many files are fetched at a time."""

FEW_FOLDERS = 8
"""So many changed folders are listed one by one; of more, the whole dataset is listed at once."""

FETCHES = 3
"""How often a file is fetched that does not hold what its id says: an answer can be cut short."""

LONGEST_HISTORY = 100
"""Commits in which one's own is looked for; more can hardly land while one call is under way."""


@dataclass(frozen=True)
class _Folder:
    """A top-level folder of the dataset: git's id of its tree, and its files by path."""

    tree: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class _Known:
    """The last snapshot, and what it was put together from."""

    snapshot: Snapshot
    folders: Mapping[str, _Folder] = field(default_factory=dict)


class HubStore:
    """One dataset on the Hub. It may be used by several threads; nothing is called before the first use.

    With a card, a missing dataset is created, and `is_new` is true from then on.
    """

    def __init__(self, hub: Hub, repo_id: str, *, card: str | None = None, pace: Pace | None = None) -> None:
        self.repo_id = repo_id
        self.pace = pace or Pace()
        self.is_new = False
        self._hub = hub
        self._card = card if hub.api.token else None
        self._known: _Known | None = None
        self._large: dict[str, str] = {}
        self._own_revision: str | None = None
        self._lock = Lock()

    def __str__(self) -> str:
        return self.repo_id

    def snapshot(self) -> Snapshot:
        """The dataset as it is now: one call while nothing changes. Raises DatasetMissing, StoreError."""
        with self._lock:
            try:
                return self._look()
            except DatasetMissing:
                if self._card is None:
                    raise
            self._create(self._card)
            return self._look()

    def _look(self) -> Snapshot:
        try:
            revision = self._revision()
            if self._known is None or self._known.snapshot.revision != revision:
                if self._known and revision != self._own_revision:
                    self.pace.note()
                self._known = self._list(revision)
            return self._known.snapshot
        except FAILURES as error:
            self._refuse("read", error)

    def _create(self, card: str) -> None:
        """Create the dataset, empty but for its card. What a token may not do is not tried again."""
        try:
            self._hub.call(self._hub.api.create_repo, self.repo_id, repo_type=DATASET, exist_ok=True)
            self._hub.call(self._create_commit, {"README.md": card.encode()}, (), "Add the dataset card")
        except FAILURES as error:
            if not is_passing(error):
                self._card = None
            raise DatasetMissing(self.repo_id, why=reason(error, self._hub)) from error
        self.is_new = True
        log.info("created %s", self)

    def read(self, snapshot: Snapshot, paths: Collection[str]) -> dict[str, bytes]:
        """What files of the snapshot held then, one call for each, several at a time."""
        if not paths:
            return {}
        try:
            with ThreadPoolExecutor(min(READERS, len(paths))) as readers:
                return dict(
                    zip(paths, readers.map(lambda path: self._file(snapshot, path), paths), strict=True)
                )
        except (RevisionNotFoundError, EntryNotFoundError) as error:
            raise Conflict(f"{self} was rewritten while it was read.") from error
        except FAILURES as error:
            self._refuse("read", error)

    def commit(
        self, *, add: Mapping[str, bytes], delete: Collection[str] = (), message: str, parent: Snapshot
    ) -> None:
        """Write and delete files, all or nothing. Raises Conflict if the dataset is no longer at `parent`."""
        for path in add:
            if not is_safe_path(path) or path in delete:
                raise StoreError(f"Cannot write {path!r} to {self}: it is no possible file name.")
        changed = {path: data for path, data in add.items() if parent.files.get(path) != blob_id(data)}
        missing = [path for path in delete if path not in parent.files]
        try:
            if missing or not (changed or delete):
                # The Hub is not asked to commit this, so it cannot say that the parent is no longer the head.
                if self._revision() != parent.revision:
                    raise Conflict(f"{self} changed since it was read: {message} was not written.")
                if missing:
                    raise StoreError(f"Cannot delete {missing[0]!r} from {self}: there is no such file.")
                return
            self._commit(changed, delete, message, parent)
        except FAILURES as error:
            self._refuse("write to", error)
        self.pace.note()
        log.info("committed to %s: %s", self, message)

    def address(self, path: str) -> str:
        """The page of a file on the Hub."""
        return f"{self._hub.api.endpoint}/datasets/{self.repo_id}/blob/main/{quote(path)}"

    def check_writing(self) -> None:
        """Raise StoreError, with a sentence, when the token cannot write to the dataset, or there is none."""
        if not self._hub.api.token:
            raise StoreError(
                f"HF_TOKEN is not set, so nothing can be written to {self}: create a token that can write to "
                "it, and set it as this Space's secret HF_TOKEN."
            )
        try:
            self._hub.call(self._hub.api.auth_check, self.repo_id, repo_type=DATASET, write=True)
        except FAILURES as error:
            self._refuse("write to", error)

    def _revision(self) -> str:
        info = self._hub.call(self._hub.api.dataset_info, self.repo_id, expand=["sha"])
        return str(info.sha)

    # Listing

    def _list(self, revision: str) -> _Known:
        """The tree at a revision; a top-level folder with a known tree id is not listed again."""
        known = self._known.folders if self._known else {}
        entries = self._tree(revision, None)
        trees = {entry.path: entry.tree_id for entry in entries if isinstance(entry, RepoFolder)}
        wanted = {path: tree for path, tree in trees.items() if not _is_left_out(path)}
        changed = [path for path, tree in wanted.items() if path not in known or known[path].tree != tree]
        if len(changed) > FEW_FOLDERS:
            listed = self._by_folder(self._tree(revision, None, recursive=True))
        else:
            listed = {path: self._files(self._tree(revision, path, recursive=True)) for path in changed}
        folders = {
            path: _Folder(tree, listed.get(path, {})) if path in changed else known[path]
            for path, tree in wanted.items()
        }
        files = self._files(entries)
        for folder in folders.values():
            files |= folder.files
        return _Known(Snapshot(revision, files), folders)

    def _tree(
        self, revision: str, path: str | None, *, recursive: bool = False
    ) -> list[RepoFile | RepoFolder]:
        return self._hub.call(
            lambda: list(
                self._hub.api.list_repo_tree(
                    self.repo_id, path, recursive=recursive, revision=revision, repo_type=DATASET
                )
            )
        )

    def _files(self, entries: Iterable[RepoFile | RepoFolder]) -> dict[str, str]:
        """The files by path. Of large ones, whose id is that of a pointer, the digest is remembered."""
        files = [entry for entry in entries if isinstance(entry, RepoFile) and not _is_left_out(entry.path)]
        self._large |= {file.path: file.lfs.sha256 for file in files if file.lfs}
        return {file.path: file.blob_id for file in files}

    def _by_folder(self, entries: Iterable[RepoFile | RepoFolder]) -> dict[str, dict[str, str]]:
        folders: dict[str, dict[str, str]] = {}
        for path, blob in self._files(entries).items():
            folders.setdefault(path.partition("/")[0], {})[path] = blob
        return folders

    # Reading

    def _file(self, snapshot: Snapshot, path: str) -> bytes:
        address = hf_hub_url(
            self.repo_id,
            path,
            repo_type=DATASET,
            revision=snapshot.revision,
            endpoint=self._hub.api.endpoint,
        )
        for _ in range(FETCHES):
            data = self._hub.get(address)
            if snapshot.files[path] == blob_id(data) or self._large.get(path) == _sha256(data):
                return data
        raise StoreError(f"Cannot read {path} in {self}: what arrives is not what the Hub says it holds.")

    # Writing

    def _commit(
        self, add: Mapping[str, bytes], delete: Collection[str], message: str, parent: Snapshot
    ) -> None:
        """Commit, or find in the history that an earlier try, whose answer was lost, did."""
        nonce = token_hex(8)
        failure: Exception | None = None
        try:
            is_made = self._hub.call(
                self._create_commit, add, delete, message, parent=parent.revision, nonce=nonce
            )
        except FAILURES as error:
            is_made, failure = False, error
        if is_made or self._is_in_the_history(nonce, parent):
            return
        if failure and status_of(failure) not in CONFLICTS:
            raise failure
        raise Conflict(f"{self} changed since it was read: {message} was not written.") from failure

    def _create_commit(
        self,
        add: Mapping[str, bytes],
        delete: Collection[str],
        message: str,
        *,
        parent: str | None = None,
        nonce: str = "",
    ) -> bool:
        """One try, and whether it made a commit: the client leaves out files that the head holds already, and
        answers with the head when nothing is left, whatever the parent was to be.
        """
        adds = [CommitOperationAdd(path, data) for path, data in add.items()]
        deletes = [CommitOperationDelete(path, is_folder=False) for path in delete]
        answer = self._hub.api.create_commit(
            self.repo_id,
            [*adds, *deletes],
            commit_message=message,
            commit_description=nonce,
            repo_type=DATASET,
            parent_commit=parent,
        )
        self._own_revision = answer.oid
        # No public name of the client tells; the tests of all stores hold this one against its versions.
        return bool(deletes) or any(each._remote_oid != each._local_oid for each in adds)

    def _is_in_the_history(self, nonce: str, parent: Snapshot) -> bool:
        """Whether a commit since the parent carries the nonce."""
        commits = self._hub.call(
            lambda: list(
                takewhile(
                    lambda commit: commit.commit_id != parent.revision,
                    islice(self._hub.api.list_repo_commits(self.repo_id, repo_type=DATASET), LONGEST_HISTORY),
                )
            )
        )
        return any(nonce in commit.message for commit in commits)

    def _refuse(self, verb: str, error: Exception) -> NoReturn:
        if isinstance(error, RepositoryNotFoundError) and status_of(error) == 404:
            raise DatasetMissing(self.repo_id) from error
        raise StoreError(f"Cannot {verb} {self}: {reason(error, self._hub)}") from error


def _is_left_out(path: str) -> bool:
    """Hidden files, which are the Hub's own, and logs."""
    return is_hidden(path) or PurePosixPath(path).parts[0] == LOGS_FOLDER


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

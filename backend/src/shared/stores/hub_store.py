"""A store in a dataset on the Hub: one call while nothing changes, one for each file, commits with a parent.

`create_commit(parent_commit=…)` is the Hub's only compare-and-swap. Its answer can be lost after the commit
landed; so each commit carries a nonce in its description, by which it is found in the history.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from secrets import token_hex
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from ..data.names import is_for_people, is_safe_path, largest, places
from ..errors import BadFile, Conflict, DatasetMissing, NotDelivered, StoreError
from ..process.steady import steady_now
from ..times import from_text, utc_now
from .budgets import Pace
from .hub import CONFLICTS, FAILURES, Hub, TooManyCalls, is_passing, reason, status_of
from .hub_tree import HubTree
from .store import Snapshot, blob_id

if TYPE_CHECKING:
    from ..index.index import Index

log = logging.getLogger(__name__)

DATASET = "dataset"

ADD_THE_CARD = "Add the dataset card"

READERS = 16
"""How many files are fetched at a time."""

FETCHES = 3
"""How often to fetch a file whose content does not match its id: an answer can be cut short."""

CREATED_AGAIN_AFTER = timedelta(minutes=10)
"""When to try again to create a dataset: the token may have received the permission."""

MADE_BY_THE_HUB = {".gitattributes"}
"""The files of a newly created dataset."""

HISTORY = 200
"""How many commits we ask for: more than the Hub takes in an hour. By default it returns 50."""


class HubStore:
    """One dataset on the Hub. Several threads may use it. The first use makes the first call.

    With a card, a dataset that is missing at the start is created, and then `is_new` is true. An empty
    dataset gets its card: its creator was killed too early. An index saves the first listing. `private` is
    for a dataset that is created.
    """

    def __init__(
        self,
        hub: Hub,
        repo_id: str,
        *,
        card: str | None = None,
        index: Index[Any] | None = None,
        pace: Pace | None = None,
        private: bool = False,
    ) -> None:
        self.repo_id = repo_id
        self.private = private
        self.pace = pace or Pace()
        self.is_new = False
        self._hub = hub
        self._index = index
        self._tree = HubTree(hub, repo_id, propose=self._propose if index else None)
        self._card = card if hub.api.token else None
        self._not_created: datetime | None = None
        self._latest: Snapshot | None = None
        self._own_revisions: set[str] = set()
        self._lock = Lock()

    def __str__(self) -> str:
        return self.repo_id

    # Reading

    def snapshot(self) -> Snapshot:
        """Return the dataset as it is now, in one call while nothing changes. Raises DatasetMissing,
        StoreError.
        """
        with self._lock:
            is_first = self._latest is None
            try:
                latest = self._poll()
                if not is_first or self._card is None or latest.files.keys() - MADE_BY_THE_HUB:
                    return latest
                self._finish(self._card, latest)
            except DatasetMissing:
                if self._card is None or self._latest:  # a dataset that existed is not created again, empty
                    raise
                self._create(self._card)
            return self._poll()

    def read(self, snapshot: Snapshot, paths: Collection[str]) -> dict[str, bytes | BadFile]:
        """Return the content of files of the snapshot, one call for each, several at a time.

        A file that is too large or not delivered becomes a BadFile. Raises Conflict if the snapshot's
        revision is gone, and StoreError if nothing can be read or these files exceed the present budget.
        """
        if not paths:
            return {}
        try:
            self._hub.spend_reads(len(paths))
            self._tree.learn_sizes(snapshot, paths)
        except FAILURES as error:
            self._refuse("read", error)
        with ThreadPoolExecutor(min(READERS, len(paths))) as readers:
            found = dict(zip(paths, readers.map(lambda path: self._file(snapshot, path), paths), strict=True))
        self._refuse_if_it_is_not_about_single_files(list(found.values()))
        return {path: self._in_its_place(data) for path, data in found.items()}

    def listed_below(self, folder: str) -> list[str]:
        """Return the paths of all files below a folder, a call for each thousand. Raises StoreError."""
        try:
            return self._tree.listed_below(folder)
        except FAILURES as error:
            self._refuse("read", error)

    def _refuse_if_it_is_not_about_single_files(self, found: Collection[bytes | Exception]) -> None:
        """Raise if the failures are not about single files. One undelivered file hides no other; a Hub that
        is down delivers none.
        """
        failures = [each for each in found if isinstance(each, Exception) and not isinstance(each, BadFile)]
        for failure in failures:
            if isinstance(failure, RevisionNotFoundError):
                raise Conflict(f"{self} was rewritten while we read it.") from failure
            if not isinstance(failure, HfHubHTTPError) or len(failures) == len(found):
                self._refuse("read", failure)

    def _poll(self) -> Snapshot:
        try:
            info = self._hub.call(self._hub.api.dataset_info, self.repo_id, expand=["sha"])
            revision = str(info.sha)
            if self._latest is None or self._latest.revision != revision:
                latest = self._tree.listed(revision)
                self._count_commits(latest)
                self._latest = latest
            return self._latest
        except FAILURES as error:
            self._refuse("read", error)

    def _file(self, snapshot: Snapshot, path: str) -> bytes | Exception:
        blob = snapshot.files[path]
        size, most = self._tree.sizes.get(blob, 0), largest(path)
        if size > most:
            return BadFile(f"it has {size:,} bytes, and no more than {most:,} are read")
        address = self._address(path, snapshot.revision)
        try:
            for _ in range(FETCHES):
                data = self._hub.get(address)
                if blob == blob_id(data) or self._tree.digests.get(blob) == _sha256(data):
                    return data
        except EntryNotFoundError:
            return NotDelivered("the Hub lists it but does not deliver it")
        except FAILURES as error:
            return error
        return NotDelivered("the Hub delivers other content than it lists")

    def _address(self, path: str, revision: str) -> str:
        """Return the address that delivers a file."""
        endpoint = self._hub.api.endpoint
        return hf_hub_url(self.repo_id, path, repo_type=DATASET, revision=revision, endpoint=endpoint)

    def _propose(self, revision: str) -> Mapping[str, str]:
        """Return the files that the index lists."""
        assert self._index
        for place in places(self._index.path):
            self._hub.spend_reads(1)
            try:
                return self._index.read_files(self._hub.get(self._address(place, revision)))
            except EntryNotFoundError:
                continue
            except BadFile:
                break
        return {}

    def _in_its_place(self, data: bytes | Exception) -> bytes | BadFile:
        if isinstance(data, bytes | BadFile):
            return data
        return NotDelivered(f"it cannot be read: {reason(data, self._hub)}")

    def _count_commits(self, latest: Snapshot) -> None:
        """Note others' commits: at first those of the last hour, later one per change.

        Several commits between two polls count as one (decision 17).
        """
        if not self._hub.api.token or latest.revision in self._own_revisions:
            return
        if self._latest:
            self.pace.note()
            return
        try:
            dates = [from_text(str(commit.get("date"))) for commit in self._history()]
        except FAILURES:  # the pace begins at zero, and the Hub refuses when the limit is reached
            return
        now = utc_now()
        self.pace.note(sum(1 for date in dates if date and abs(now - date) < timedelta(hours=1)))

    def _history(self) -> list[dict[str, Any]]:
        """Return the latest commits, as many as one answer has, the newest first."""
        answer = self._hub.get(
            f"{self._hub.api.endpoint}/api/datasets/{self.repo_id}/commits/main?limit={HISTORY}"
        )
        commits: list[dict[str, Any]] = json.loads(answer)
        return commits

    # Writing

    def commit(
        self, *, add: Mapping[str, bytes], delete: Collection[str] = (), message: str, parent: Snapshot
    ) -> None:
        """Write and delete files, all or nothing. Raises Conflict if the dataset is no longer at `parent`."""
        self._refuse_without_a_token()
        for path in add:
            if not is_safe_path(path) or path in delete:
                raise StoreError(f"Cannot write {path!r} to {self}: it is not a possible file name.")
        changed = {path: data for path, data in add.items() if not self._holds(parent, path, data)}
        missing = [path for path in delete if path not in parent.files and not is_for_people(path)]
        try:
            if missing or not (changed or delete):
                # The Hub is not asked to commit this, so it cannot report a moved head.
                info = self._hub.call(self._hub.api.dataset_info, self.repo_id, expand=["sha"])
                if info.sha != parent.revision:
                    raise Conflict(f"{self} changed since it was read: {message} was not written.")
                if missing:
                    raise StoreError(f"Cannot delete {missing[0]!r} from {self}: there is no such file.")
                return
            self._commit(changed, delete, message, parent)
        except FAILURES as error:
            if isinstance(error, TooManyCalls) or status_of(error) == 429:
                self.pace.fill()
            self._refuse("write to", error)
        self.pace.note()
        log.info("committed to %s: %s", self, message)

    def _holds(self, snapshot: Snapshot, path: str, data: bytes) -> bool:
        blob = snapshot.files.get(path)
        return blob is not None and (
            blob == blob_id(data)
            or (blob in self._tree.digests and self._tree.digests[blob] == _sha256(data))
        )

    def _commit(
        self, add: Mapping[str, bytes], delete: Collection[str], message: str, parent: Snapshot
    ) -> None:
        """Commit, or find in the history that an earlier try succeeded although its answer was lost."""
        nonce = token_hex(8)
        tries = 0

        def one_try() -> bool:
            nonlocal tries
            tries += 1
            return self._create_commit(add, delete, message, parent=parent.revision, nonce=nonce)

        failure: Exception | None = None
        try:
            is_made = self._hub.call(one_try)
        except FAILURES as error:
            is_made, failure = False, error
        is_clear = tries == 1 and (failure is None or status_of(failure) in CONFLICTS)
        if is_made or (not is_clear and any(nonce in str(each.get("message")) for each in self._history())):
            return
        if failure and status_of(failure) not in CONFLICTS:
            raise failure
        if failure is None and not delete and all(map(is_for_people, add)):
            return  # the client found nothing to upload: an earlier try landed, which no snapshot shows
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
        """Try once, and return whether that made a commit.

        The client leaves out files that the head already has. If nothing is left, it returns the head,
        whatever the parent.
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
        # The client has no public name for this; the tests of all stores check this one against its versions.
        is_made = bool(deletes) or any(each._remote_oid != each._local_oid for each in adds)
        if is_made:
            self._own_revisions.add(str(answer.oid))
        return is_made

    def _create(self, card: str) -> None:
        """Create the dataset, empty except for its card and the index, which the card names."""
        if self._not_created and steady_now() - self._not_created < CREATED_AGAIN_AFTER:
            raise DatasetMissing(self.repo_id, has_token=True, private=self.private)
        try:
            self._hub.call(
                self._hub.api.create_repo, self.repo_id, repo_type=DATASET, private=self.private or None
            )
            self._hub.call(self._create_commit, self._first_files(card), (), ADD_THE_CARD)
        except FAILURES as error:
            if status_of(error) in CONFLICTS:  # somebody else has just created it, or added the card
                return
            if not is_passing(error):
                self._not_created = steady_now()
            why = reason(error, self._hub)
            raise DatasetMissing(self.repo_id, has_token=True, why=why, private=self.private) from error
        self.is_new = True
        log.info("created %s", self)

    def _finish(self, card: str, latest: Snapshot) -> None:
        """Add the first files to an empty dataset. If that fails, it can still be read."""
        files = self._first_files(card)
        try:
            self._hub.call(self._create_commit, files, (), ADD_THE_CARD, parent=latest.revision)
            log.info("added the card to %s, which was empty", self)
        except FAILURES as error:
            if status_of(error) not in CONFLICTS:
                log.warning("could not add the card to %s: %s", self, reason(error, self._hub))

    def _first_files(self, card: str) -> dict[str, bytes]:
        index = {self._index.path: self._index.write({}, {})} if self._index else {}
        return {"README.md": card.encode(), **index}

    # For people

    def address(self, path: str) -> str | None:
        """Return the address of a file's page on the Hub."""
        page = f"{self._hub.api.endpoint}/datasets/{self.repo_id}/blob/main/{quote(path)}"
        return page if is_safe_path(path) else None

    def folder_address(self, path: str) -> str:
        """Return the address of a folder's page on the Hub."""
        return f"{self._hub.api.endpoint}/datasets/{self.repo_id}/tree/main/{quote(path)}"

    def is_private(self) -> bool:
        """Return whether only its owner can see the dataset. Raises StoreError."""
        try:
            return bool(self._hub.call(self._hub.api.dataset_info, self.repo_id, expand=["private"]).private)
        except FAILURES as error:
            self._refuse("read", error)

    def check_writing(self) -> None:
        """Raise StoreError, with a sentence, when the token cannot write to the dataset, or there is none."""
        self._refuse_without_a_token()
        try:
            self._hub.call(self._hub.api.auth_check, self.repo_id, repo_type=DATASET, write=True)
        except FAILURES as error:
            self._refuse("write to", error)

    def _refuse_without_a_token(self) -> None:
        if not self._hub.api.token:
            raise StoreError(
                f"HF_TOKEN is not set, so nothing can be written to {self}. Create a token that can write to "
                "it, and set it as this Space's secret HF_TOKEN."
            )

    def _refuse(self, verb: str, error: Exception) -> NoReturn:
        has_token = bool(self._hub.api.token)
        is_unseen = isinstance(error, RepositoryNotFoundError) or status_of(error) == 401
        if is_unseen and (status_of(error) == 404 or not has_token):
            raise DatasetMissing(self.repo_id, has_token=has_token, private=self.private) from error
        advice = f" If {self} is not yours, set OWNER." if status_of(error) == 403 else ""
        raise StoreError(f"Cannot {verb} {self}: {reason(error, self._hub)}{advice}") from error


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

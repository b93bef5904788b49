"""A whole dataset on the Hub: every file at one revision, and commits that replace many files at once."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Lock
from typing import NoReturn, TypeVar

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, hf_hub_url
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from src.shared.errors import Conflict, DatasetMissing, StoreError
from src.shared.process.steady import on_the_wall, steady_now
from src.shared.stores.hub import CONFLICTS, FAILURES, Hub, TooManyCalls, reason, status_of
from src.shared.stores.hub_store import DATASET, FETCHES, READERS
from src.upkeep.contents import AT_ONCE, Content, content_of
from src.upkeep.datasets import AGAIN, Listing, Say

T = TypeVar("T")

NO_TOKEN = "Set HF_TOKEN to a token that can write to {}."


class HubDataset:
    """A dataset on the Hub. Where the Hub asks for a pause, it waits, and says so."""

    is_local = False
    readers = READERS
    spaces = True

    def __init__(self, hub: Hub, repo_id: str, say: Say, sleep: Callable[[float], None] = time.sleep) -> None:
        self.repo_id = repo_id
        self._hub = hub
        self._say = say
        self._sleep = sleep
        self._told = ""
        self._lock = Lock()

    def __str__(self) -> str:
        return self.repo_id

    def revision(self) -> str | None:
        """Return the id of the newest commit."""
        try:
            return str(self._call(lambda: self._hub.api.dataset_info(self.repo_id, expand=["sha"])).sha)
        except RepositoryNotFoundError:
            return None
        except FAILURES as error:
            self._refuse("read", error)

    def listing(self) -> Listing | None:
        """Return all files at the newest commit, a call for each thousand entries."""
        revision = self.revision()
        if revision is None:
            return None
        try:
            entries = self._call(
                lambda: [
                    *self._hub.api.list_repo_tree(
                        self.repo_id, recursive=True, revision=revision, repo_type=DATASET
                    )
                ]
            )
        except FAILURES as error:
            self._refuse("read", error)
        return Listing(
            revision, {each.path: _content(each) for each in entries if isinstance(each, RepoFile)}
        )

    def held(self) -> AbstractContextManager[None]:
        """Return a block that holds nothing: a commit stays readable."""
        return nullcontext()

    def is_private(self) -> bool:
        """Return whether the dataset is private."""
        try:
            info = self._call(lambda: self._hub.api.dataset_info(self.repo_id, expand=["private"]))
            return bool(info.private)
        except FAILURES as error:
            self._refuse("read", error)

    def save(self, listing: Listing, path: str, place: Path) -> None:
        """Download a file, also from Git LFS, and check that it is what was listed."""
        address = hf_hub_url(
            self.repo_id,
            path,
            repo_type=DATASET,
            revision=listing.revision,
            endpoint=self._hub.api.endpoint,
        )
        try:
            for _ in range(FETCHES):  # an answer can be cut short
                self._call(lambda: self._download(address, place))
                if content_of(place).is_same(listing.files[path]):
                    return
        except FAILURES as error:
            self._refuse(f"read {path} in", error)
        raise StoreError(f"The Hub delivers {path} in {self} with other content than it lists. {AGAIN}")

    def create(self, *, private: bool) -> None:
        """Create the dataset with the visibility that the backup names."""
        self._refuse_without_a_token()
        try:
            self._call(lambda: self._hub.api.create_repo(self.repo_id, repo_type=DATASET, private=private))
        except FAILURES as error:
            if status_of(error) not in CONFLICTS or self.revision() is None:
                self._refuse("create", error)

    def write(
        self, parent: Listing, add: Mapping[str, Path], delete: Collection[str], message: str
    ) -> str | None:
        """Commit, with large files in Git LFS."""
        self._refuse_without_a_token()

        def commit() -> str:
            operations = [CommitOperationDelete(path, is_folder=False) for path in delete]
            return str(
                self._hub.api.create_commit(
                    self.repo_id,
                    [*operations, *(CommitOperationAdd(path, file) for path, file in add.items())],
                    commit_message=message,
                    repo_type=DATASET,
                    parent_commit=parent.revision,
                ).oid
            )

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # about a card that the Hub took before
                return self._call(commit)
        except FAILURES as error:
            if status_of(error) in CONFLICTS:
                raise Conflict(f"{self} changed since it was read.") from error
            self._refuse("write to", error)

    def _download(self, address: str, place: Path) -> None:
        self._hub.spend_reads(1)
        headers = build_hf_headers(token=self._hub.api.token)
        with get_session().stream("GET", address, headers=headers) as answer, place.open("wb") as file:
            if not answer.is_success:
                answer.read()  # for the error's message
            hf_raise_for_status(answer)
            for part in answer.iter_bytes(AT_ONCE):
                file.write(part)

    def _call(self, function: Callable[[], T]) -> T:
        """Call a function, and again after each pause that the Hub asks for. Raises one of FAILURES."""
        while True:
            try:
                return self._hub.call(function)
            except TooManyCalls as error:
                self._tell_once(
                    f"The Hub takes no more calls until {on_the_wall(error.until):%H:%M:%S} UTC: waiting."
                )
                self._sleep(max(1.0, (error.until - steady_now()).total_seconds()))

    def _tell_once(self, line: str) -> None:
        """Say a line that several threads have, once."""
        with self._lock:
            if line != self._told:
                self._told = line
                self._say(line)

    def _refuse_without_a_token(self) -> None:
        if not self._hub.api.token:
            raise StoreError(NO_TOKEN.format(self))

    def _refuse(self, verb: str, error: Exception) -> NoReturn:
        if isinstance(error, RepositoryNotFoundError):
            raise DatasetMissing(self.repo_id, has_token=bool(self._hub.api.token)) from error
        raise StoreError(f"Cannot {verb} {self}: {reason(error, self._hub, AGAIN)}") from error


def _content(file: RepoFile) -> Content:
    """Return what the Hub lists of a file. In Git LFS, git's id is that of a pointer."""
    if file.lfs:
        return Content(file.lfs.size, sha256=file.lfs.sha256)
    return Content(file.size, git=file.blob_id)

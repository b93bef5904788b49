"""One repository: who may see it, its history, and its large files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .edits import DeleteFile, Edit, PutFile
from .git_objects import Blob, Commit, LargeFile
from .history import MAIN, CommitText, History
from .refusals import EntryNotFound

if TYPE_CHECKING:
    from .spaces import Space

RepoType = Literal["model", "dataset", "space"]

GIT_ATTRIBUTES = ".gitattributes"
LARGEST_REGULAR_FILE = 10 * 2**20
"""More bytes than that belong into Git LFS, and so does every binary file."""


class RepoName(NamedTuple):
    """What names a repository: a model and a dataset may have the same id."""

    type: RepoType
    id: str

    @classmethod
    def from_path(cls, path: str) -> RepoName:
        """`acme/tiny` is a model, `datasets/acme/requests` a dataset, `spaces/acme/leaderboard` a Space."""
        prefix, _, id = path.partition("/")
        types: dict[str, RepoType] = {"datasets": "dataset", "spaces": "space"}
        return cls(types[prefix], id) if prefix in types else cls("model", path)

    @property
    def namespace(self) -> str:
        """The user or the organisation that owns it."""
        return self.id.split("/")[0]

    @property
    def path(self) -> str:
        """Where it is below the Hub's address."""
        return self.id if self.type == "model" else f"{self.type}s/{self.id}"


def belongs_in_lfs(sample: bytes, size: int) -> bool:
    """Whether a file is large or binary: for git that is one with a zero byte near its beginning."""
    return size > LARGEST_REGULAR_FILE or b"\0" in sample


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Repository:
    """A repository. `readers` are the users who were let in where it is gated."""

    name: RepoName
    private: bool = False
    gated: Literal["auto", "manual", False] = False
    disabled: bool = False
    likes: int = 0
    downloads: int = 0
    readers: set[str] = field(default_factory=set)
    created: datetime = field(default_factory=_now)
    history: History = field(default_factory=History, repr=False)
    large_files: dict[str, bytes] = field(default_factory=dict, repr=False)
    """What was uploaded to Git LFS, by SHA-256."""
    discussions: list[dict[str, Any]] = field(default_factory=list, repr=False)
    """The discussions, as the Hub tells them; None of them are pull requests."""
    discusses: bool = True
    """Whether the owner lets people write discussions."""
    space: Space | None = None
    """What a Space has besides its files."""
    first: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The files that the Hub puts into a new one."""

    def __post_init__(self) -> None:
        attributes = PutFile(GIT_ATTRIBUTES, Blob(b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"))
        files = [PutFile(path, Blob(text.encode())) for path, text in self.first.items()]
        self.built(self.history.start([attributes, *files], self._text("initial commit")))

    @property
    def head(self) -> Commit:
        """The newest commit of the main branch."""
        return self.history.at(MAIN)

    def put(
        self,
        files: Mapping[str, bytes | str] | None = None,
        *,
        delete: Iterable[str] = (),
        branch: str = MAIN,
        title: str = "Upload files",
    ) -> Commit:
        """Write and delete files in one commit, as if their owner had."""
        edits: list[Edit] = [DeleteFile(path) for path in delete]
        for path, content in (files or {}).items():
            data = content.encode() if isinstance(content, str) else content
            edits.append(PutFile(path, self.store(data)))
        return self.built(self.history.commit(branch, edits, self._text(title)))

    def built(self, commit: Commit) -> Commit:
        """The commit. If it is the head of a Space, the Hub builds that."""
        if self.space and commit.id == self.head.id:
            self.space.committed(self, commit)
        return commit

    def read(self, path: str, revision: str = MAIN) -> bytes:
        """A file's content. Raises EntryNotFound and RevisionNotFound."""
        blob = self.history.at(revision).tree.find(path)
        if not isinstance(blob, Blob):
            raise EntryNotFound("Entry not found")
        return self.content(blob)

    def files(self, revision: str = MAIN) -> dict[str, bytes]:
        """The contents of all files but `.gitattributes`, which every repository has."""
        entries = self.history.at(revision).tree.walk()
        found = {path: self.content(entry) for path, entry in entries if isinstance(entry, Blob)}
        return {path: content for path, content in found.items() if path != GIT_ATTRIBUTES}

    def content(self, blob: Blob) -> bytes:
        """The file itself, also when git has only its pointer."""
        return self.large_files[blob.large.sha256] if blob.large else blob.content

    def store(self, data: bytes) -> Blob:
        """A file for the repository, kept in Git LFS when it belongs there."""
        if not belongs_in_lfs(data[:8000], len(data)):
            return Blob(data)
        sha256 = hashlib.sha256(data).hexdigest()
        self.large_files[sha256] = data
        return large_blob(LargeFile(sha256, len(data)))

    def _text(self, title: str) -> CommitText:
        return CommitText(title=title, author=self.name.namespace)


def large_blob(large: LargeFile) -> Blob:
    """What git has of a large file."""
    return Blob(large.pointer, large)

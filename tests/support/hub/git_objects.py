"""Git's objects: files, folders and commits that never change, under the ids that git itself gives them.

A changed tree shares with the old one every folder that nothing changed in, and an id is computed once. So a
commit of one file costs as much as the folders above it are long, however many files the repository has.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property


class NotThere(Exception):
    """A file that is to be removed is not in the tree."""


class InTheWay(Exception):
    """A file is to be put where a folder is, or below a file."""


def object_id(kind: str, content: bytes) -> str:
    """Git's name for an object. Whatever is hashed as git does it is hashed here."""
    header = f"{kind} {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class LargeFile:
    """A file that Git LFS keeps outside the repository."""

    sha256: str
    size: int

    @property
    def pointer(self) -> bytes:
        """The text that lies in the repository instead of the file."""
        lines = [
            "version https://git-lfs.github.com/spec/v1",
            f"oid sha256:{self.sha256}",
            f"size {self.size}",
        ]
        return "".join(f"{line}\n" for line in lines).encode()


@dataclass(frozen=True, eq=False)
class Blob:
    """A file. If it is large, `content` is the text of its pointer."""

    content: bytes = field(repr=False)
    large: LargeFile | None = None

    @cached_property
    def id(self) -> str:
        return object_id("blob", self.content)

    @property
    def size(self) -> int:
        """Of the file itself, in bytes."""
        return self.large.size if self.large else len(self.content)


@dataclass(frozen=True, eq=False)
class Tree:
    """A folder: its files and folders by name, in git's order."""

    entries: Mapping[str, Blob | Tree] = field(default_factory=dict, repr=False)

    @cached_property
    def id(self) -> str:
        lines = (
            f"{'40000' if isinstance(entry, Tree) else '100644'} {name}\0".encode() + bytes.fromhex(entry.id)
            for name, entry in self.entries.items()
        )
        return object_id("tree", b"".join(lines))

    @cached_property
    def size(self) -> int:
        """Of all files below it, in bytes."""
        return sum(entry.size for entry in self.entries.values())

    def find(self, path: str) -> Blob | Tree | None:
        """What lies at a path; this tree at the empty path."""
        entry: Blob | Tree | None = self
        for name in path.split("/") if path else []:
            entry = entry.entries.get(name) if isinstance(entry, Tree) else None
        return entry

    def walk(self, *, recursive: bool = True, prefix: str = "") -> Iterator[tuple[str, Blob | Tree]]:
        """Paths and what lies there, each folder before what is in it."""
        for name, entry in self.entries.items():
            path = f"{prefix}{name}"
            yield path, entry
            if recursive and isinstance(entry, Tree):
                yield from entry.walk(prefix=f"{path}/")

    def changed(self, changes: Mapping[str, Blob | None]) -> Tree:
        """This tree with files put at paths, or removed where there is None. Raises NotThere and InTheWay."""
        entries = dict(self.entries)
        here = {path: blob for path, blob in changes.items() if "/" not in path}
        put = {name: blob for name, blob in here.items() if blob}
        for name in here.keys() - put.keys():
            if not isinstance(entries.pop(name, None), Blob):
                raise NotThere(name)
        for name, inner in _by_folder(changes).items():
            folder = entries.pop(name, Tree())
            if isinstance(folder, Blob):
                raise InTheWay(name) if any(inner.values()) else NotThere(name)
            folder = folder.changed(inner)
            if folder.entries:
                entries[name] = folder
        for name in put:
            if isinstance(entries.get(name), Tree):
                raise InTheWay(name)
        return Tree(dict(sorted((entries | put).items(), key=_git_order)))


def _by_folder(changes: Mapping[str, Blob | None]) -> dict[str, dict[str, Blob | None]]:
    """The changes below each folder, by paths that begin there."""
    found: defaultdict[str, dict[str, Blob | None]] = defaultdict(dict)
    for path, blob in changes.items():
        folder, slash, rest = path.partition("/")
        if slash:
            found[folder][rest] = blob
    return found


def _git_order(item: tuple[str, Blob | Tree]) -> bytes:
    """Git sorts by bytes, and takes a folder's name as if it ended in a slash."""
    name, entry = item
    return name.encode() + (b"/" if isinstance(entry, Tree) else b"")


@dataclass(frozen=True, eq=False)
class Commit:
    """One moment of a repository. `parent` is an id, so that a long history is no deep structure."""

    tree: Tree = field(repr=False)
    parent: str | None
    title: str
    message: str
    author: str
    date: datetime

    @cached_property
    def id(self) -> str:
        return object_id("commit", self.text)

    @property
    def text(self) -> bytes:
        """The commit as git writes it."""
        signature = f"{self.author} <{self.author}@example.com> {int(self.date.timestamp())} +0000"
        lines = [f"tree {self.tree.id}"]
        lines += [f"parent {self.parent}"] if self.parent else []
        lines += [f"author {signature}", f"committer {signature}", "", self.title]
        lines += ["", self.message] if self.message else []
        return "".join(f"{line}\n" for line in lines).encode()

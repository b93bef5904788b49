"""The files of a Space: those in the clone, those on the Hub, and whether somebody edited the latter."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .git import Paths, listed_by_git
from .refusals import Stopped

MARK = "Deployed from a clone with `make deploy`."
"""In the description of our commits: the newest one that has it is what was deployed last."""
COMMIT = "Commit of the clone: "
"""Before the clone's commit, in the same description."""
MADE_BY_THE_HUB = {".gitattributes"}
IN_A_NEW_SPACE = MADE_BY_THE_HUB | {"README.md"}
"""What the Hub itself puts into a new Gradio Space."""
LEFT_OUT = re.compile(
    r"(^|/)(__pycache__|\.git|\.venv|venv|\.gradio|\.DS_Store|\.idea|\.vscode|\.[^/]*_cache)(/|$)"
    r"|\.py[co]$|~$|^data/"
)
"""What is no part of a Space, wherever git does not say so."""
LOOKS_LIKE_A_SECRET = re.compile(
    r"(^|/)(\.env[^/]*|\.netrc|[^/]*\.(pem|key|p12|pfx)|id_(rsa|dsa|ecdsa|ed25519)|credentials(?![^/]*\.py$)[^/]*)(/|$)",
    re.IGNORECASE,
)
"""Files that nobody means to publish. A module of that name is code."""
NEEDED = ("app.py", "README.md")
LOOKS_LIKE_A_TOKEN = re.compile(rb"\bhf_[A-Za-z0-9]{34,}\b")
NAMED = 5
"""How many files a line names."""

Ids = Mapping[str, Collection[str]]
"""By path, what a file is known by: git's id, and the SHA-256 of a large one."""


@dataclass(frozen=True)
class Changes:
    """What has to be uploaded and deleted so that a Space has the files of the clone."""

    add: Mapping[str, bytes]
    delete: tuple[str, ...]
    total: int
    untracked: tuple[str, ...] = ()
    """Those to add that git does not know."""

    def __bool__(self) -> bool:
        return bool(self.add or self.delete)

    def __str__(self) -> str:
        size = sum(map(len, self.add.values()))
        parts = []
        if self.add:
            of = f" of {self.total}" if len(self.add) < self.total else ""
            which = f": {listed(self.add)}" if len(self.add) <= NAMED else ""
            parts.append(f"upload {len(self.add)}{of} files ({size_text(size)}){which}")
        if self.untracked:  # all of them: somebody may not mean to publish one
            parts.append(f"not in git: {', '.join(self.untracked)}")
        if self.delete:
            parts.append(f"delete {len(self.delete)}: {listed(self.delete)}")
        return "; ".join(parts)


@dataclass(frozen=True)
class SpaceFiles:
    """The files of a Space in the clone. git knows all but the `untracked` ones."""

    contents: Mapping[str, bytes]
    untracked: frozenset[str]
    left_out: tuple[str, ...]
    """Those that look like secrets."""


def read_files(folder: Path) -> SpaceFiles:
    """Read the files of a Space in the clone, as git sees them where it can. Raises Stopped."""
    if not (folder / "app.py").is_file():
        raise Stopped(f"{folder} holds no Space: app.py is missing. Run this in a clone of the template.")
    listed = listed_by_git(folder) or Paths(frozenset(_walked(folder)))
    paths = {path for path in listed.all if not LEFT_OUT.search(path) and os.path.lexists(folder / path)}
    left_out = tuple(sorted(filter(LOOKS_LIKE_A_SECRET.search, map(_readable, paths))))
    paths -= {*left_out}
    contents = {path: _content(folder, path, paths) for path in sorted(paths)}
    for path in NEEDED:
        if path not in contents:
            raise Stopped(
                f"{folder / path} is no file to upload, and no Space runs without it. Add it, and make sure "
                "that git does not ignore it."
            )
    return SpaceFiles(contents, listed.untracked & paths, left_out)


def _walked(folder: Path) -> Iterator[str]:
    """The paths of a folder's files, where git does not list them."""
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix()


def _readable(path: str) -> str:
    """Return a path that can be told and uploaded. Raises Stopped."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raise Stopped(
            f"The name of the file {path!a} is not UTF-8, which the Hub wants. Rename it, or let git "
            "ignore it."
        ) from None
    return path


def _content(folder: Path, path: str, paths: Collection[str]) -> bytes:
    """Read a file. A link counts as the file that it leads to. Raises Stopped."""
    file = folder / path
    try:
        target, inside = file.resolve(strict=True), folder.resolve()
        if not file.is_symlink() and not file.is_file():
            raise Stopped(
                f"{file} is no file: it may be a git repository of its own, or a device. It would be missing "
                "in the Space. Put the files themselves there, or let git ignore it."
            )
        if not target.is_relative_to(inside) or target.relative_to(inside).as_posix() not in paths:
            raise Stopped(
                f"{file} is a link to {target}, which is none of the files that are uploaded. Put a copy "
                "there if everybody may read it, or remove the link."
            )
        data = target.read_bytes()
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise Stopped(f"{file} cannot be read: {error}. Correct or remove it.") from error
    if LOOKS_LIKE_A_TOKEN.search(data):
        raise Stopped(
            f"{file} holds what looks like a token of the Hub, and everybody could read it in the Space. "
            "Remove it from the file: tokens are secrets of the Space."
        )
    return data


def ids_on_the_hub(tree: Collection[Any]) -> dict[str, set[str]]:
    """The ids of the files in a listing of the client's."""
    return {
        each.path: {each.blob_id, *([each.lfs.sha256] if each.lfs else [])}
        for each in tree
        if hasattr(each, "blob_id")
    }


def is_the_same(data: bytes, ids: Collection[str]) -> bool:
    """Whether a file on the Hub has this content."""
    header = f"blob {len(data)}\0".encode()
    git = hashlib.sha1(header + data, usedforsecurity=False).hexdigest()
    return git in ids or hashlib.sha256(data).hexdigest() in ids


def changes(local: Mapping[str, bytes], there: Ids, untracked: Collection[str] = ()) -> Changes:
    """Find what has to change on the Hub."""
    add = {path: data for path, data in local.items() if not is_the_same(data, there.get(path, ()))}
    delete = tuple(sorted(there.keys() - local.keys() - MADE_BY_THE_HUB))
    return Changes(add, delete, len(local), tuple(sorted({*untracked} & add.keys())))


def edited(local: Mapping[str, bytes], deployed: Ids, there: Ids) -> list[str]:
    """Find the files that somebody changed on the Hub since the deployment, unless the clone has the same."""
    changed = [
        path
        for path in deployed.keys() | there.keys()
        if set(deployed.get(path, ())) != set(there.get(path, ())) and path not in MADE_BY_THE_HUB
    ]
    return sorted(path for path in changed if not is_as_in_the_clone(path, local, there))


def is_as_in_the_clone(path: str, local: Mapping[str, bytes], there: Ids) -> bool:
    """Whether a path has the same content in both, or is in neither."""
    if path not in local or path not in there:
        return path not in local and path not in there
    return is_the_same(local[path], there[path])


def size_text(size: int) -> str:
    """A size for people."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1000))} kB"


def listed(paths: Collection[str]) -> str:
    """The first of some files, and how many more there are."""
    first = sorted(paths)[:NAMED]
    more = len(paths) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")

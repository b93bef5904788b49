"""The files of a Space: those in the clone, those on the Hub, and whether somebody edited the latter."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .refusals import Stopped

MARK = "Deployed from a clone with `make deploy`."
"""In the description of our commits: the newest one that has it is what was deployed last."""
MADE_BY_THE_HUB = {".gitattributes"}
LEFT_OUT = re.compile(
    r"(^|/)(__pycache__|\.git|\.venv|venv|\.gradio|\.DS_Store|\.idea|\.vscode|\.env|\.env\..*|\.[^/]*_cache)(/|$)"
    r"|\.py[co]$|~$|^data/"
)
"""What is no part of a Space, wherever git does not say so."""
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

    def __bool__(self) -> bool:
        return bool(self.add or self.delete)

    def __str__(self) -> str:
        size = sum(map(len, self.add.values()))
        parts = []
        if self.add:
            of = f" of {self.total}" if len(self.add) < self.total else ""
            which = f": {listed(self.add)}" if len(self.add) <= NAMED else ""
            parts.append(f"upload {len(self.add)}{of} files ({size_text(size)}){which}")
        if self.delete:
            parts.append(f"delete {len(self.delete)}: {listed(self.delete)}")
        return "; ".join(parts)


def read_files(folder: Path) -> dict[str, bytes]:
    """Read the files of a Space in the clone, as git sees them where it can. Raises Stopped."""
    if not (folder / "app.py").is_file():
        raise Stopped(f"{folder} holds no Space: app.py is missing. Run this in a clone of the template.")
    paths = [path for path in paths_in(folder) if not LEFT_OUT.search(path)]
    files = {path: (folder / path).read_bytes() for path in sorted(paths) if (folder / path).is_file()}
    for path, data in files.items():
        if LOOKS_LIKE_A_TOKEN.search(data):
            raise Stopped(
                f"{folder / path} holds what looks like a token of the Hub, and everybody could read it in "
                "the Space. Remove it from the file: tokens are secrets of the Space."
            )
    return files


def paths_in(folder: Path) -> list[str]:
    """The paths of a folder's files: those that git does not ignore, or all where there is no git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."]
    try:
        listed = subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
    return [path for path in listed.decode().split("\0") if path]


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


def changes(local: Mapping[str, bytes], there: Ids) -> Changes:
    """Find what has to change on the Hub."""
    add = {path: data for path, data in local.items() if not is_the_same(data, there.get(path, ()))}
    delete = tuple(sorted(there.keys() - local.keys() - MADE_BY_THE_HUB))
    return Changes(add, delete, len(local))


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

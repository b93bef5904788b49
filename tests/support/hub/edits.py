"""What one commit does to a tree: files put and deleted, in the order of the commit's lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .git_objects import Blob, InTheWay, NotThere, Tree
from .refusals import BadRequest, EntryNotFound


@dataclass(frozen=True)
class PutFile:
    """A file that is new or gets a new content."""

    path: str
    blob: Blob


@dataclass(frozen=True)
class DeleteFile:
    """A file that must be there and goes."""

    path: str


@dataclass(frozen=True)
class DeleteFolder:
    """A folder that must be there and goes with all that is in it."""

    path: str


Edit = PutFile | DeleteFile | DeleteFolder

NO_SUCH_FILE = "A file with this name doesn't exist"


def edited(tree: Tree, edits: Iterable[Edit]) -> Tree:
    """The tree after the edits. Raises EntryNotFound and BadRequest; then none of them counts."""
    changes: dict[str, Blob | None] = {}
    for edit in edits:
        if not is_safe_path(edit.path):
            raise BadRequest(f"Invalid path: {edit.path!r}")
        match edit:
            case PutFile(path, blob):
                changes[path] = blob
            case DeleteFile(path):
                changes[path] = None
            case DeleteFolder(path):
                changes |= dict.fromkeys(_files_below(tree, path))
    try:
        return tree.changed(changes)
    except NotThere as error:
        raise EntryNotFound(NO_SUCH_FILE) from error
    except InTheWay as error:
        raise BadRequest(f"A file or directory with this name already exists: {error}") from error


def _files_below(tree: Tree, path: str) -> list[str]:
    folder = tree.find(path)
    if not isinstance(folder, Tree):
        raise EntryNotFound(NO_SUCH_FILE)
    return [each for each, entry in folder.walk(prefix=f"{path}/") if isinstance(entry, Blob)]


def is_safe_path(path: str) -> bool:
    """Whether git takes such a path: inside the repository, no part of it `.git`, no zero byte, UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in path and all(part not in ("", ".", "..", ".git") for part in path.split("/"))

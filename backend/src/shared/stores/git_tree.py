"""Git's id of a folder, computed from its files: a listing of the folder is proved right by it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

ID = re.compile(r"[0-9a-f]{40}")
FILE, FOLDER = b"100644", b"40000"


def tree_id(files: Mapping[str, str]) -> str:
    """The id of a tree that holds exactly these files: ids of contents by path, none of them executable or a
    link.

    A tree is a list of mode, name and id in bytes, sorted by name, where a folder's name counts as ending in
    a slash (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects). Raises ValueError for an id or a name
    that is none: no other bytes may pass for a list.
    """
    folders: dict[str, dict[str, str]] = {}
    entries: list[tuple[bytes, bytes, str]] = []
    for path, blob in files.items():
        name, _, rest = path.partition("/")
        if "\0" in name or not name or not ID.fullmatch(blob):
            raise ValueError(f"not in a tree: {path!r} with the id {blob!r}")
        if rest:
            folders.setdefault(name, {})[rest] = blob
        else:
            entries.append((name.encode(), FILE, blob))
    entries += [(f"{name}/".encode(), FOLDER, tree_id(inner)) for name, inner in folders.items()]
    content = b"".join(
        mode + b" " + name.removesuffix(b"/") + b"\0" + bytes.fromhex(blob)
        for name, mode, blob in sorted(entries)
    )
    header = b"tree %d\0" % len(content)
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()

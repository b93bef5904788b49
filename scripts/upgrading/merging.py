"""One file in three versions, merged: the base that an owner started from, the owner's, and the new one."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .cards import merge_heads, split_card
from .packages import merge_packages
from .python_file import Conflict
from .statements import merge_statements

VALUES = re.compile(r"frontend/src/about\.py|(frontend|backend)/src/envs\.py")
"""Files of which every statement is the owner's decision."""
LISTS = re.compile(r"frontend/src/(checks|columns|model_types)\.py")
"""Files of which the owner edits lists, and adds what is in them."""
CARDS = re.compile(r"(frontend|backend)/README\.md")
PACKAGES = re.compile(r"(frontend|backend)/requirements[\w-]*\.(in|txt)")
FILES = re.compile(r"backend/tasks/.*|frontend/assets/.*")
OWNERS = (VALUES, LISTS, CARDS, PACKAGES, FILES)
"""Files that are the owner's to edit. Where both sides changed one beyond merging, the owner's stays."""


@dataclass(frozen=True)
class Merged:
    """What became of a file."""

    content: bytes
    is_clean: bool = True
    note: str = ""
    """What the owner has to know about it; often nothing."""


def is_owners(path: str) -> bool:
    """Whether a file is one that owners are meant to edit."""
    return any(pattern.fullmatch(path) for pattern in OWNERS)


def merge(path: str, base: bytes, ours: bytes, new: bytes) -> Merged:
    """Merge a file. If that is not possible, the result is not clean and its content is the owner's."""
    if any(b"\0" in content for content in (base, ours, new)):
        return Merged(ours, is_clean=False)
    try:
        texts = [content.decode() for content in (base, ours, new)]
    except UnicodeDecodeError:
        return Merged(ours, is_clean=False)
    if VALUES.fullmatch(path) or LISTS.fullmatch(path):
        return _merge_python(*texts, ours_wins=bool(VALUES.fullmatch(path)))
    if PACKAGES.fullmatch(path):
        packages = merge_packages(*texts)
        note = f"{path} pins these itself, so your lines are left out: {', '.join(packages.dropped)}."
        return Merged(packages.text.encode(), note=note if packages.dropped else "")
    if CARDS.fullmatch(path):
        return _merge_card(path, *texts)
    return merge_lines(*texts)


def merge_lines(base: str, ours: str, new: str) -> Merged:
    """Merge texts line by line, as git does."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("ours", "base", "new")]
        for path, text in zip(paths, (ours, base, new), strict=True):
            path.write_bytes(text.encode())
        command = ["git", "merge-file", "--stdout", "--quiet", *map(str, paths)]
        ran = subprocess.run(command, capture_output=True, check=False)
    return Merged(ran.stdout) if ran.returncode == 0 else Merged(ours.encode(), is_clean=False)


def _merge_python(base: str, ours: str, new: str, *, ours_wins: bool) -> Merged:
    try:
        return Merged(merge_statements(base, ours, new, ours_wins=ours_wins).encode())
    except Conflict:
        return Merged(ours.encode(), is_clean=False) if ours_wins else merge_lines(base, ours, new)


def _merge_card(path: str, base: str, ours: str, new: str) -> Merged:
    """Merge the head name by name, and the text below it line by line."""
    cards = [split_card(text) for text in (base, ours, new)]
    if None in cards:
        return merge_lines(base, ours, new)
    (old_head, old_text), (own_head, own_text), (new_head, new_text) = (each for each in cards if each)
    text = merge_lines(old_text, own_text, new_text)
    head, dropped = merge_heads(old_head, own_head, new_head)
    note = f"{path} says itself what the program needs, so your lines are left out: {', '.join(dropped)}."
    return Merged(head.encode() + text.content, text.is_clean, note if dropped else "")

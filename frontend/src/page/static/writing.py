"""Writes an export all at once: into a new folder beside the old one, which it then replaces."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import orjson

from src.page.static.pages import File
from src.shared.errors import ConfigurationError
from src.shared.times import from_text, to_text

MANIFEST = "export.json"
"""Names the files of an export, so that nothing else is ever replaced."""

PARTIAL_MANIFEST = "export.json.part"
"""A manifest that is being written: it takes its name when it is whole."""

KIND = "leaderboard"

OURS = frozenset({MANIFEST, PARTIAL_MANIFEST})

MOST_NAMED = 3


class Written(NamedTuple):
    """What an export came to."""

    files: int
    changed: int
    """How many files are new or have another content."""
    removed: int
    size: int
    """Bytes of all files."""


def write_export(
    folder: Path,
    files: Iterable[File],
    dated: Callable[[datetime], File],
    *,
    now: datetime,
    about: Mapping[str, object],
) -> Written:
    """Replace the export in a folder, which is created if needed, and say what changed.

    `dated` makes the file that says when the export was made: if nothing else changed, the folder stays as it
    is. A file with the same content keeps its time. A reader sees the old export or the new one, unless this
    process is killed between two renames: the next export repairs that. `about` goes into the manifest.

    Raises ConfigurationError if the folder, or one of the two beside it that are needed meanwhile, holds
    anything but an export, or cannot be written to.
    """
    folder = folder.resolve()
    if not folder.name:
        raise ConfigurationError(f"{folder} cannot be an export's: name a folder of its own.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _new_folder(folder) as new:
            old = _read_old(folder)
            return _write(folder, new, old, files, dated, now, about)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot write the export to {folder}: {error.strerror or error}. Name another folder, or make "
            "room."
        ) from error


class _Old(NamedTuple):
    """The export that is there."""

    files: frozenset[str]
    made: datetime | None
    is_export: bool = True


def _write(
    folder: Path,
    new: Path,
    old: _Old,
    files: Iterable[File],
    dated: Callable[[datetime], File],
    now: datetime,
    about: Mapping[str, object],
) -> Written:
    names, changed, size = set[str](), 0, 0
    for file in files:
        changed += _put(folder, new, file)
        names.add(file.path)
        size += len(file.data)
    first = dated(old.made or now)
    names.add(first.path)
    removed = old.files - names
    if old.made and not changed and not removed and _is_there(folder, first):
        return Written(len(names), 0, 0, size + len(first.data))
    first = dated(now)
    manifest = {"kind": KIND, "made": to_text(now), **about, "files": sorted(names)}
    changed += _put(folder, new, first)
    _put_manifest(new, manifest)
    _swap(folder, new)
    return Written(len(names), changed, len(removed), size + len(first.data))


def _put(folder: Path, new: Path, file: File) -> bool:
    """Write a file into the new folder, and return whether the old one lacks it. The same keeps its time."""
    path = new / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.data)
    if not _is_there(folder, file):
        return True
    shutil.copystat(folder / file.path, path)
    return False


def _put_manifest(new: Path, manifest: Mapping[str, object]) -> None:
    """Write the manifest at once: without a whole one, the next export would not know the folder as ours."""
    partial = new / PARTIAL_MANIFEST
    partial.write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    partial.replace(new / MANIFEST)


def _is_there(folder: Path, file: File) -> bool:
    try:
        return (folder / file.path).read_bytes() == file.data
    except OSError:
        return False


def _read_old(folder: Path) -> _Old:
    """Read which files the export in a folder has. Raises ConfigurationError if others are there."""
    _repair(folder)
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{folder} is a file: name a folder.")
    there = set(_all_files(folder)) if folder.is_dir() else set()
    old = _read_manifest(folder)
    if strange := sorted(there - old.files - {MANIFEST}):
        more = f" and {len(strange) - MOST_NAMED} more" if len(strange) > MOST_NAMED else ""
        raise ConfigurationError(
            f"{folder} holds files that are not from an export ({', '.join(strange[:MOST_NAMED])}{more}), "
            "and an export replaces the whole folder: name a folder of its own."
        )
    return old


def _all_files(folder: Path) -> Iterator[str]:
    """Yield everything in a folder but folders; a link to a folder counts as a file."""
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in (*names, *links):
            yield (Path(place) / name).relative_to(folder).as_posix()


def _read_manifest(folder: Path) -> _Old:
    nothing = _Old(frozenset(), None, is_export=False)
    manifest = folder / MANIFEST
    try:
        read = None if manifest.is_symlink() else orjson.loads(manifest.read_bytes())
    except (OSError, ValueError):
        return nothing
    if not isinstance(read, dict) or read.get("kind") != KIND or not isinstance(read.get("files"), list):
        return nothing
    names = frozenset(name for name in read["files"] if isinstance(name, str))
    return _Old(names, from_text(str(read.get("made"))))


def _beside(folder: Path, part: str) -> Path:
    return folder.with_name(f".{folder.name}.{part}")


def _repair(folder: Path) -> None:
    """Complete what a killed process left between the two renames. Raises ConfigurationError."""
    old = _beside(folder, "old")
    if not os.path.lexists(old):
        return
    _check_is_ours(old, allowed=_read_manifest(old).files)
    if folder.exists():
        _remove(old)
    else:
        old.rename(folder)


def _check_is_ours(beside: Path, allowed: frozenset[str] | None = None) -> None:
    """Refuse a folder beside the export's that no export has made. Raises ConfigurationError.

    `allowed` are the only files that it may hold; None means any, as long as there is a manifest.
    """
    if beside.is_dir() and not beside.is_symlink():
        there = set(_all_files(beside))
        if there <= {PARTIAL_MANIFEST} or (
            _is_marked(beside) and (allowed is None or there <= allowed | OURS)
        ):
            return
    raise ConfigurationError(
        f"{beside} is needed while the export is written, and it is not from an export: move it away, or "
        "name another folder for the export."
    )


def _is_marked(folder: Path) -> bool:
    return _read_manifest(folder).is_export


def _remove(folder: Path) -> None:
    """Remove a folder of ours, its manifest last: a killed process leaves one that is known as ours."""
    for each in list(folder.iterdir()):
        if each.name != MANIFEST:
            shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
    (folder / MANIFEST).unlink(missing_ok=True)
    folder.rmdir()


def _swap(folder: Path, new: Path) -> None:
    """Put the new folder in the old one's place."""
    old = _beside(folder, "old")
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        with suppress(OSError):
            old.rename(folder)
        raise
    with suppress(OSError):  # the next export tries again
        _remove(old)


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """An empty folder beside the other one, for one process at a time. It goes unless it took its place.

    It has a manifest from the start, by which the next export knows it as ours if this process is killed.
    """
    new = _beside(folder, "new")
    if not os.path.lexists(new):
        new.mkdir(exist_ok=True)
    if new.is_symlink() or not new.is_dir():
        _check_is_ours(new)
    handle = os.open(new, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                f"Another export is being written to {folder}: wait until it has ended."
            ) from None
        _check_is_ours(new)
        try:
            for left in list(new.iterdir()):  # of one that was killed
                if left.name != MANIFEST:
                    shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
            _put_manifest(new, {"kind": KIND, "files": []})
            yield new
        finally:
            with suppress(OSError):
                if os.path.samestat(os.fstat(handle), new.stat()):
                    _remove(new)
    finally:
        os.close(handle)

"""Bringing the commit of an upgrade into the clone's files, so that a kill at any moment loses nothing."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .clone import SUBMODULE, CannotUpgrade, Clone, Tree

MARK = "refs/leaderboard/upgrade"
"""Names the commit of an upgrade while its files are being written."""

LOCK = "leaderboard-upgrade.lock"
PATIENCE_SECONDS = 30.0

LOCKS_OF_GIT = ("index.lock", "HEAD.lock", "ORIG_HEAD.lock", "packed-refs.lock", f"{MARK}.lock")
"""What a killed git leaves in its folder, and then refuses to work."""


@contextmanager
def only_one(clone: Clone) -> Iterator[None]:
    """Hold the clone for one upgrade. The git that it runs holds it too, also if it outlives the upgrade.

    Raises CannotUpgrade if another one does not end.
    """
    with _in_git(clone, LOCK).open("w") as lock:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise CannotUpgrade("another upgrade of this clone runs. Wait until it ends.") from None
                time.sleep(0.1)
        with clone.holding(lock.fileno()):
            yield


def check_is_on_a_branch(clone: Clone) -> None:
    """Check that the upgrade's commit goes onto a branch. Raises CannotUpgrade with the remedy."""
    if not clone.succeeds("symbolic-ref", "--quiet", "HEAD"):
        raise CannotUpgrade(
            f"{clone.folder} is on no branch (a detached HEAD), so the upgrade would get lost. Go to your "
            "branch with `git switch main`, or make one of what is there with `git switch -c main`. Then run "
            "it again."
        )


def check_is_clean(clone: Clone) -> None:
    """Check that there are no edits outside of commits. Raises CannotUpgrade with the remedy."""
    edits = clone.git("status", "--porcelain").decode(errors="replace").splitlines()
    if edits:
        names = ", ".join(line[3:] for line in edits[:5])
        more = f" and {len(edits) - 5} more" if len(edits) > 5 else ""
        raise CannotUpgrade(
            f"there are edits that are in no commit: {names}{more}. Keep them with `git add --all && git "
            "commit -m 'my edits'`, then run it again."
        )


def check_nothing_is_in_the_way(clone: Clone, result: str) -> None:
    """Check that no file lies where the upgrade adds one: git overwrites those that it ignores.

    Raises CannotUpgrade with the remedy.
    """
    if found := _in_the_way(clone, clone.tree("HEAD"), clone.tree(result)):
        raise CannotUpgrade(
            f"the upgrade adds files where your folder has others that are in no commit: {', '.join(found)}. "
            "Move yours away, out of the folder of the clone, then run it again."
        )


def apply(clone: Clone, result: str) -> None:
    """Move the clone's branch and its files to the upgrade's commit. Raises CannotUpgrade.

    If git refuses before it has written a file, the clone is as it was, and no upgrade is left to finish.
    """
    clone.git("update-ref", MARK, result)
    try:
        clone.git("merge", "--quiet", "--ff-only", "--no-overwrite-ignore", "--no-verify-signatures", result)
    except CannotUpgrade:
        if not _has_begun(clone, result):
            clone.git("update-ref", "-d", MARK)
        raise
    clone.git("update-ref", "-d", MARK)


def finish_interrupted(clone: Clone, *, is_dry: bool) -> None:
    """Finish an upgrade that was killed while it wrote files, if there is one. Raises CannotUpgrade.

    Call it while nothing else upgrades the clone (`only_one`).
    """
    _in_git(clone, f"{MARK}.lock").unlink(missing_ok=True)
    if not clone.succeeds("rev-parse", "--verify", "--quiet", MARK):
        return
    if is_dry:
        raise CannotUpgrade("an upgrade was interrupted. Run it without --dry-run: that finishes it.")
    _remove_locks(clone)
    result = clone.text("rev-parse", MARK)
    if clone.text("rev-parse", f"{result}^1") == clone.text("rev-parse", "HEAD"):
        if edited := _edited_since(clone, result):
            raise CannotUpgrade(
                f"an upgrade was interrupted, and these files were edited since: {', '.join(edited)}. Move "
                "them away, out of the folder of the clone, then run it again."
            )
        print("The upgrade that was interrupted is finished first.", flush=True)
        clone.git("reset", "--quiet", "--hard", result)
    clone.git("update-ref", "-d", MARK)


def _remove_locks(clone: Clone) -> None:
    """Remove the locks of a git that was killed with the upgrade: those that are newer than its beginning."""
    began = _in_git(clone, MARK).stat().st_mtime if _in_git(clone, MARK).exists() else 0.0
    branch = clone.text("rev-parse", "--symbolic-full-name", "HEAD")
    for name in (*LOCKS_OF_GIT, f"{branch}.lock"):
        lock = _in_git(clone, name)
        if lock.exists() and lock.stat().st_mtime >= began:
            lock.unlink()


def _edited_since(clone: Clone, result: str) -> list[str]:
    """Return the files that hold what neither the commit before nor the upgrade has: edits of the owner's.

    A file that is missing, or that has the beginning of the upgrade's content, was being written. A file that
    the upgrade does not have is not touched, so it does not count.
    """
    files, before = clone.tree(result), clone.tree("HEAD")
    edited = {
        path
        for path in _changed(clone)
        if _content(clone, path) != clone.read(before.get(path))
        and not clone.read(files.get(path)).startswith(_content(clone, path))
    }
    others = [path for path in _in_the_way(clone, before, files) if not _is_being_written(clone, path, files)]
    return sorted({*edited, *others})


def _has_begun(clone: Clone, result: str) -> bool:
    """Whether a file of the upgrade is written, in part or as a whole."""
    files = clone.tree(result)
    added = _in_the_way(clone, clone.tree("HEAD"), files)
    return bool(_changed(clone)) or any(_is_being_written(clone, path, files) for path in added)


def _changed(clone: Clone) -> list[str]:
    """Return the files of the last commit that are not as it has them."""
    return clone.paths("diff", "-z", "--name-only", "--no-renames", "--ignore-submodules", "HEAD")


def _in_the_way(clone: Clone, before: Tree, files: Tree) -> list[str]:
    """Return what lies in the folder where a tree has files, and is in no commit. git may ignore it."""
    found: set[str] = set()
    for path in (path for path, file in files.items() if file.mode != SUBMODULE):
        place = clone.folder / path
        if _is_folder(place):
            found |= {
                str(each.relative_to(clone.folder)) for each in place.rglob("*") if not _is_folder(each)
            }
        elif os.path.lexists(place):
            found.add(path)
    for parent in {parent for path in files for parent in Path(path).parents}:
        if os.path.lexists(clone.folder / parent) and not _is_folder(clone.folder / parent):
            found.add(str(parent))
    return sorted(found - before.keys())


def _is_being_written(clone: Clone, path: str, files: Tree) -> bool:
    """Whether a file that the last commit lacks has the beginning of what a tree has there."""
    is_whole = path in files and not _is_folder(clone.folder / path)
    return is_whole and clone.read(files[path]).startswith(_content(clone, path))


def _is_folder(place: Path) -> bool:
    return place.is_dir() and not place.is_symlink()


def _content(clone: Clone, path: str) -> bytes:
    """Return what a file holds, or where a link leads, as git keeps it. Nothing else has a content."""
    place = clone.folder / path
    if place.is_symlink():
        return os.fsencode(place.readlink())
    return place.read_bytes() if place.is_file() else b""


def _in_git(clone: Clone, name: str) -> Path:
    """Return the path of a file in the repository's own folder."""
    return clone.folder / clone.text("rev-parse", "--git-path", name)

"""Bringing the commit of an upgrade into the clone's files, so that a kill at any moment loses nothing."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .clone import CannotUpgrade, Clone

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


def apply(clone: Clone, result: str) -> None:
    """Move the clone's branch and its files to the upgrade's commit. Raises CannotUpgrade."""
    clone.git("update-ref", MARK, result)
    clone.git("merge", "--quiet", "--ff-only", "--no-verify-signatures", result)
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
                f"an upgrade was interrupted, and {', '.join(edited)} was edited since. Keep a copy of that "
                "elsewhere, run `git reset --hard`, and start again."
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

    A file that is missing, or that has the beginning of the upgrade's content, was being written.
    """
    files, before = clone.tree(result), clone.tree("HEAD")
    changed = clone.paths("diff", "-z", "--name-only", "HEAD")
    added = clone.paths("ls-files", "-z", "--others", "--exclude-standard")
    edited = []
    for path in sorted({*changed, *added}):
        place = clone.folder / path
        content = place.read_bytes() if place.is_file() and not place.is_symlink() else b""
        is_before = content == clone.read(before.get(path))
        if not is_before and not clone.read(files.get(path)).startswith(content):
            edited.append(path)
    return edited


def _in_git(clone: Clone, name: str) -> Path:
    """Return the path of a file in the repository's own folder."""
    return clone.folder / clone.text("rev-parse", "--git-path", name)

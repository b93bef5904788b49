"""Bringing the commit of an upgrade into the clone's files, so that a kill at any moment loses nothing."""

from __future__ import annotations

from .clone import CannotUpgrade, Clone

MARK = "refs/leaderboard/upgrade"
"""Names the commit of an upgrade while its files are being written."""


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
    """Finish an upgrade that was killed while it wrote files, if there is one. Raises CannotUpgrade."""
    if not clone.succeeds("rev-parse", "--verify", "--quiet", MARK):
        return
    result = clone.text("rev-parse", MARK)
    if clone.text("rev-parse", f"{result}^1") == clone.text("rev-parse", "HEAD"):
        if is_dry:
            raise CannotUpgrade("an upgrade was interrupted. Run it without --dry-run: that finishes it.")
        if edited := _edited_since(clone, result):
            raise CannotUpgrade(
                f"an upgrade was interrupted, and {', '.join(edited)} was edited since. Keep a copy of that "
                "elsewhere, run `git reset --hard`, and start again."
            )
        print("The upgrade that was interrupted is finished first.", flush=True)
        clone.git("reset", "--quiet", "--hard", result)
    clone.git("update-ref", "-d", MARK)


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

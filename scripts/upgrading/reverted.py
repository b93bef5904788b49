"""An upgrade that its owner has reverted: git takes it for done, and would not do it again."""

from __future__ import annotations

from bisect import bisect_left

from .clone import CannotUpgrade, Clone

REVERTS = "This reverts commit "
"""How git begins the sentence that names the commit which another one reverts."""


def check_is_not_reverted(clone: Clone, new: str) -> None:
    """Check that the newest of the template's commits that the clone has is in its files, too.

    Raises CannotUpgrade with the remedy if a revert took the upgrade back that had brought it.
    """
    if not clone.succeeds("merge-base", "HEAD", new):
        return
    upgrade = _which_brought(clone, clone.text("merge-base", "HEAD", new))
    if upgrade is None or (revert := _revert_of(clone, upgrade)) is None:
        return
    before, after, ours = (clone.tree(commit) for commit in (f"{upgrade}^1", upgrade, "HEAD"))
    changed = [path for path in {*before, *after} if before.get(path) != after.get(path)]
    undone = [path for path in changed if ours.get(path) == before.get(path)]
    if 2 * len(undone) > len(changed):  # what is not, the owner has changed or done again since
        day = clone.text("show", "--no-patch", "--format=%as", upgrade)
        raise CannotUpgrade(
            f"the upgrade of {day} was reverted by commit {revert[:8]}, and git takes it for done. To do it "
            f"again, run `git revert {revert[:8]}`: that brings it back. Then upgrade to what is newer."
        )


def _which_brought(clone: Clone, commit: str) -> str | None:
    """Return the merge commit that brought a commit into the branch; None if the branch grew from it."""
    branch = clone.text("rev-list", "--first-parent", "--reverse", "HEAD").splitlines()
    place = bisect_left(
        branch, True, key=lambda each: clone.succeeds("merge-base", "--is-ancestor", commit, each)
    )
    return None if branch[place] == commit else branch[place]


def _revert_of(clone: Clone, commit: str) -> str | None:
    """Return the commit that reverts another and is not reverted itself, by what git writes into them."""
    sentence = f"--grep={REVERTS}{commit}"
    found = clone.text("rev-list", "--fixed-strings", sentence, f"{commit}..HEAD").splitlines()
    return next((each for each in found if _revert_of(clone, each) is None), None)

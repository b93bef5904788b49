"""The version of the template that a leaderboard was made from, found among all that there were."""

from __future__ import annotations

from dataclasses import dataclass

from .clone import CannotUpgrade, Clone

VERSION_FILE = "frontend/src/shared/version.py"


@dataclass(frozen=True)
class Base:
    """A commit of the template, and how many of the owner's files differ from it."""

    commit: str
    differing: int


def find_base(clone: Clone, new: str) -> Base:
    """Return the commit of the template that the clone was made from. Raises CannotUpgrade.

    The history tells, in a clone of the template and after an upgrade. Files of a later version may have been
    copied over since: then the nearest of the later commits counts. An earlier one never does, since it would
    take what the owner took back for what the owner never had. A copy of the files has no history: there the
    nearest of all commits counts.
    """
    common = clone.text("merge-base", "HEAD", new) if clone.succeeds("merge-base", "HEAD", new) else None
    folders = clone.paths("ls-tree", "-z", "--name-only", "HEAD")
    if not {"frontend", "backend"} & set(folders):
        raise CannotUpgrade(
            f"{clone.folder} has neither frontend/ nor backend/, so it is no leaderboard of this template. "
            "Run this in the folder that holds the two."
        )
    later = ["--ancestry-path", f"{common}..{new}"] if common else [new]
    commits = [*clone.text("rev-list", *later).splitlines(), *filter(None, [common])]
    differing = _differing(clone, commits, folders)
    nearest = min(commits, key=lambda commit: differing[commit])  # of several, the newest
    if common is not None and differing[common] <= 2 * differing[nearest]:
        nearest = common
    return Base(nearest, differing[nearest])


def _differing(clone: Clone, commits: list[str], folders: list[str]) -> dict[str, int]:
    """Count the files in which each commit differs from HEAD, in the folders that HEAD has."""
    ours = clone.text("rev-parse", "HEAD^{tree}")
    command = ["log", "--no-walk=unsorted", "--format=%H %T", "--stdin"]
    listing = clone.git(*command, input="\n".join(commits).encode()).decode()
    trees = dict(line.split(" ") for line in listing.splitlines())
    pairs = "".join(f"{ours} {tree}\n" for tree in dict.fromkeys(trees.values()))
    command = ["diff-tree", "--stdin", "-r", "--no-renames", "--name-only", "--", *folders]
    counts: dict[str, int] = {ours: 0}
    tree = ours
    literally = {"GIT_LITERAL_PATHSPECS": "1"}
    found = clone.git(*command, input=pairs.encode(), variables=literally).decode(errors="replace")
    for line in found.splitlines():
        if line.startswith(f"{ours} "):
            tree = line.partition(" ")[2]
            counts[tree] = 0
        else:
            counts[tree] += 1
    return {commit: counts.get(trees[commit], 0) for commit in commits}

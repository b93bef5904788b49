"""What git knows of a clone: its commit, and which files of a folder belong to it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from upgrading.git_environment import git_environment

from .refusals import Stopped

A_SUBMODULE = "160000"
LONGEST = 500


@dataclass(frozen=True)
class Paths:
    """The paths of a folder's files. git does not know the `untracked` ones, and does not ignore them."""

    all: frozenset[str]
    untracked: frozenset[str] = frozenset()


def is_in_git(folder: Path) -> bool:
    """Whether a folder or one above it is a git repository, as far as the file system tells."""
    return any(os.path.lexists(each / ".git") for each in (folder.resolve(), *folder.resolve().parents))


def listed_by_git(folder: Path) -> Paths | None:
    """Return the files of a folder of the clone that git does not ignore.

    None where git has no say: there is no repository, or one further up that has nothing to do with the
    clone. Raises Stopped with git's own sentence where there is one and git does not answer.
    """
    if not is_in_git(folder):
        return None
    top = Path(os.fsdecode(_git(folder, "rev-parse", "--show-toplevel").rstrip(b"\n")))
    staged = [each for each in _git(folder, "ls-files", "-z", "--stage", ".").split(b"\0") if each]
    tracked = {}
    for each in staged:
        facts, _, path = each.partition(b"\t")
        tracked[os.fsdecode(path)] = facts.split(b" ")[0].decode()
    if top.resolve() != folder.parent.resolve() and "app.py" not in tracked:
        return None
    if submodules := sorted(path for path, mode in tracked.items() if mode == A_SUBMODULE):
        raise Stopped(
            f"{folder / submodules[0]} is a submodule, whose files would be missing in the Space. Put the "
            "files themselves there, or remove it."
        )
    others = _git(folder, "ls-files", "-z", "--others", "--exclude-standard", ".").split(b"\0")
    untracked = frozenset(os.fsdecode(each) for each in others if each)
    return Paths(frozenset(tracked) | untracked, untracked)


def head_of(root: Path) -> str:
    """The commit of a clone; empty if there is none, or git has no say in it."""
    try:
        if listed_by_git(root / "frontend") is None:
            return ""
        return _git(root, "rev-parse", "--verify", "--quiet", "HEAD").decode().strip()
    except Stopped:  # nothing is committed yet
        return ""


def has_in_its_history(root: Path, commit: str) -> bool:
    """Whether a clone's commit is this one or comes after it. False for one that the clone does not have."""
    return _run(root, "merge-base", "--is-ancestor", commit, "HEAD").returncode == 0


def is_shallow(root: Path) -> bool:
    """Whether a clone has only the newest part of its history."""
    return _run(root, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"


def _git(folder: Path, *arguments: str) -> bytes:
    ran = _run(folder, *arguments)
    if ran.returncode:
        said = " ".join(ran.stderr.decode("utf-8", "replace").split())[:LONGEST]
        raise Stopped(
            f"git does not say which files of {folder} it ignores, and they must not be uploaded: "
            f"{said or f'it ended with {ran.returncode}'}"
        )
    return ran.stdout


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=git_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise Stopped(
            f"{folder} is in a git repository, and git cannot be started: {error}. Install git, so that no "
            "ignored file is uploaded."
        ) from error

"""What an upgrade makes of a clone: every file of the result, and what its owner has to look at."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, count

from .clone import LINK, SUBMODULE, Clone, File
from .merging import FILES, Merged, is_owners, merge
from .moves import Moves

OURS_BESIDE, YOURS_BESIDE = ".new", ".yours"
"""Endings of what lies beside a file that could not be merged: the template's version, or the owner's."""


@dataclass
class Plan:
    """The files after the upgrade, and what happened to those that the owner had edited."""

    files: dict[str, File] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    """Files that are the owner's, or have the owner's edits."""
    notes: list[str] = field(default_factory=list)
    """Sentences about what the owner has to look at."""


@dataclass(frozen=True)
class Sides:
    """The clone, and its files in the three versions: the base, the owner's, and the new one."""

    clone: Clone
    base: Mapping[str, File]
    ours: Mapping[str, File]
    new: Mapping[str, File]
    moves: Moves

    @cached_property
    def moved(self) -> dict[str, str]:
        """The new places of files that the owner edited and the template moved."""
        return {
            path: target
            for path, target in self.moves.files.items()
            if path in self.ours
            and self.ours[path] != self.base.get(path)
            and path not in self.new
            and target in self.new
            and self.ours.get(target) in (None, self.base.get(target))
        }

    @cached_property
    def given_up(self) -> set[str]:
        """Folders of the template, docs/ for example, that the owner has removed as a whole."""
        there = {path.partition("/")[0] for path in self.ours}
        return {path.partition("/")[0] for path in self.base if "/" in path} - there


def make_plan(sides: Sides) -> Plan:
    """Merge every file of the three versions."""
    plan = Plan()
    targets = set(sides.moved.values())
    for path in sorted({*sides.base, *sides.ours, *sides.new}):
        if path.partition("/")[0] not in sides.given_up and path not in targets:
            _decide(plan, sides, path)
    for path, target in sides.moved.items():
        _merge(plan, sides, path, target)
    return plan


def _decide(plan: Plan, sides: Sides, path: str) -> None:
    base, ours, new = (tree.get(path) for tree in (sides.base, sides.ours, sides.new))
    if ours in (base, new):
        if new or (ours and FILES.fullmatch(path)):  # tasks that the template drops may still be run
            plan.files[path] = new or ours  # type: ignore[assignment]  # one of them is there
    elif ours is None:
        if new != base:
            plan.notes.append(f"You removed {path}, and the template has changed it since. It stays removed.")
    elif new is None and base is None:
        _keep(plan, sides, path, ours)
    elif new is None and path not in sides.moved:
        _keep_dropped(plan, sides, path, ours)
    elif new is not None:
        _merge(plan, sides, path, path)


def _keep(plan: Plan, sides: Sides, path: str, ours: File) -> None:
    """Keep a file that the template does not ship, with the new names of our modules."""
    code = sides.clone.read(ours) if path.endswith(".py") else b""
    renamed = sides.moves.renamed(path, code)
    plan.files[path] = ours if renamed == code else sides.clone.write(renamed, ours)
    plan.kept.append(path)


def _keep_dropped(plan: Plan, sides: Sides, path: str, ours: File) -> None:
    """Keep an edited file that the template has no more: where it was if it is data, else beside."""
    if is_owners(path) or not path.startswith(("frontend/", "backend/")):
        _keep(plan, sides, path, ours)
        return
    beside = _put_beside(plan, sides, path + YOURS_BESIDE, ours)
    plan.notes.append(
        f"You edited {path}, which the template has no more. Your file is {beside}: bring over what you "
        "need, and delete it."
    )


def _merge(plan: Plan, sides: Sides, path: str, target: str) -> None:
    """Merge the owner's file at a path into the template's at its place in the new version."""
    clone, moves = sides.clone, sides.moves
    ours, new = sides.ours[path], sides.new[target]
    base = moves.renamed(path, clone.read(sides.base.get(path)))
    own = moves.renamed(path, clone.read(ours))
    fresh = clone.read(new)
    is_plain = not {LINK, SUBMODULE} & {ours.mode, new.mode}
    merged = Merged(own, is_clean=False) if not is_plain else merge(target, base, own, fresh)
    if merged.note:
        plan.notes.append(merged.note)
    if merged.is_clean or is_owners(target):
        kept = clone.write(merged.content, new) if is_plain else ours
        plan.files[target] = new if is_plain and merged.content == fresh else kept
        plan.kept.append(target)
        if not merged.is_clean:
            beside = _put_beside(plan, sides, target + OURS_BESIDE, new)
            plan.notes.append(
                f"Both you and the template changed {target} in the same places. Yours is kept, and the "
                f"template's is {beside}: bring over what you need, and delete it."
            )
        return
    plan.files[target] = new
    beside = _put_beside(plan, sides, target + YOURS_BESIDE, ours)
    plan.notes.append(
        f"Both you and the template changed {target} in the same places. The template's is taken, so that "
        f"the program fits together. Yours is {beside}: make your edit again, and delete it."
    )


def _put_beside(plan: Plan, sides: Sides, name: str, file: File) -> str:
    """Put a file at a name that nothing has, and return it, with a word on what an earlier upgrade left.

    A file that is already there with the same content is enough.
    """
    names = chain([name], (f"{name}{number}" for number in count(2)))
    free = next(each for each in names if sides.ours.get(each) == file or _is_free(plan, sides, each))
    plan.files[free] = file
    if free == name or name not in sides.ours:
        return free
    return f"{free} ({name} is left from an earlier upgrade)"


def _is_free(plan: Plan, sides: Sides, name: str) -> bool:
    trees = (plan.files, sides.ours, sides.new)
    return not any(name in tree for tree in trees) and not os.path.lexists(sides.clone.folder / name)

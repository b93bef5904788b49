"""A list in three versions, merged: the base's, the owner's and the new one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def in_order(base: Sequence[T], ours: Sequence[T], new: Sequence[T], members: Iterable[T]) -> list[T]:
    """Put members into the order of the new sequence, or of ours if it is ours that was reordered.

    A member that the leading sequence lacks comes after the one before it in the other.
    """
    wanted = set(members)
    common = [each for each in ours if each in set(base)]
    is_reordered = common != [each for each in base if each in set(ours)]
    leading, other = (ours, new) if is_reordered else (new, ours)
    result = [each for each in leading if each in wanted]
    for place, each in enumerate(other):
        if each in wanted and each not in result:
            before = next((one for one in reversed(other[:place]) if one in result), None)
            result.insert(0 if before is None else result.index(before) + 1, each)
    return result


def merge_elements(base: Sequence[str], ours: Sequence[str], new: Sequence[str]) -> list[str]:
    """Return a list with the changes of both sides: what either added, without what either removed."""
    removed = set(base) - (set(ours) & set(new))
    return in_order(base, ours, new, [each for each in dict.fromkeys([*new, *ours]) if each not in removed])

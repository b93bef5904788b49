"""Three versions of a Python file merged by their top-level statements, for the files that owners edit.

Lines are too small a unit there: a comment that both sides changed would spoil a merge, and half of a class
from either side is no class.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from .imports import merge_imports
from .lists import in_order, merge_elements
from .python_file import DOCSTRING, Conflict, Module, Statement, names_of, names_used, read_module


def merge_statements(base: str, ours: str, new: str, *, ours_wins: bool) -> str:
    """Return the new file with everything in it that the owner changed since the base.

    `ours_wins` keeps the owner's statement where both changed it, as in a file of values. Otherwise lists get
    the changes of both sides. Raises Conflict.
    """
    old, own, fresh = (read_module(text) for text in (base, ours, new))
    merged = dict(fresh.statements)
    carried: list[Statement] = []
    for key, mine in own.statements.items():
        before, now = old.statements.get(key), fresh.statements.get(key)
        lead = mine.lead if before is None or mine.lead.strip() != before.lead.strip() else None
        if before is not None and mine.body == before.body:
            if now is not None and lead is not None:
                merged[key] = replace(now, lead=lead)
            continue
        kept = _both(before, mine, now, ours_wins=ours_wins)
        merged[key] = replace(kept, lead=mine.lead if now is None or lead is not None else now.lead)
        carried.append(merged[key])
    for key in [*old.statements]:
        if key not in own.statements and not _is_used(key, merged):
            merged.pop(key, None)
    carried += _needed(carried, own, merged)
    merged |= {each.key: each for each in carried}
    carried += _regrouped(old, own, fresh, merged, ours_wins=ours_wins)
    order = in_order(list(old.statements), list(own.statements), list(fresh.statements), merged)
    text = _written(fresh, own, old, [merged[key] for key in order], carried)
    read_module(text)
    return text


def _both(before: Statement | None, mine: Statement, now: Statement | None, *, ours_wins: bool) -> Statement:
    """Return a statement that the owner changed or added, as the new file has it. Raises Conflict."""
    if now is None or ours_wins or mine.meaning == now.meaning:
        return mine
    if before is not None and now.meaning == before.meaning:
        return mine
    elements = [each.elements if each else [] for each in (before, mine, now)]
    if None in elements:
        raise Conflict(mine.key)
    old, own, fresh = (each or [] for each in elements)
    return now.with_elements(merge_elements(old, own, fresh))


def _regrouped(
    old: Module, own: Module, fresh: Module, merged: dict[str, Statement], *, ours_wins: bool
) -> list[Statement]:
    """Settle the names that the versions define in different statements: `A, B = 1, 2`, or one by one.

    All statements of such names are one side's, or a name would be defined twice. Changes `merged` and
    returns the statements that are the owner's. Raises Conflict.
    """
    carried: list[Statement] = []
    for keys in _groups(old, own, fresh):
        before, mine, now = (
            [each for key, each in side.statements.items() if key in keys] for side in (old, own, fresh)
        )
        if len({frozenset(each.key for each in side) for side in (before, mine, now) if side}) < 2:
            continue
        meanings = [[each.meaning for each in side] for side in (before, mine, now)]
        if meanings[0] != meanings[1] and meanings[2] not in meanings[:2] and not ours_wins:
            raise Conflict(", ".join(sorted(keys)))
        is_ours = meanings[0] != meanings[1] != meanings[2]
        for key in keys:
            merged.pop(key, None)
        merged |= {each.key: each for each in (mine if is_ours else now)}
        lacking = {name for each in now for name in names_of(each.node)}
        lacking -= {name for each in mine for name in names_of(each.node)}
        if is_ours and any(lacking & names_used(each.node) for each in merged.values()):
            raise Conflict(", ".join(sorted(lacking)))
        carried += mine if is_ours else []
    return carried


def _groups(*modules: Module) -> list[set[str]]:
    """Return the keys of the statements that share a name but not all of their names, in any version."""
    groups: list[tuple[set[str], set[str]]] = []
    for statement in (each for module in modules for each in module.statements.values()):
        keys, names = {statement.key}, set(names_of(statement.node))
        for group in [each for each in groups if each[0] & keys or each[1] & names]:
            keys |= group[0]
            names |= group[1]
            groups.remove(group)
        groups.append((keys, names))
    return [keys for keys, _ in groups if len({key.rstrip("#") for key in keys}) > 1]


def _needed(carried: Sequence[Statement], own: Module, merged: Mapping[str, Statement]) -> list[Statement]:
    """Return the statements of the owner's file that the carried ones use and the new file has no more."""
    by_name = {name: each for each in own.statements.values() for name in names_of(each.node)}
    there = {name for each in merged.values() for name in names_of(each.node)}
    found: dict[str, Statement] = {}
    waiting = [*carried]
    while waiting:
        for name in names_used(waiting.pop().node):
            if name in by_name and name not in there and by_name[name].key not in found:
                found[by_name[name].key] = by_name[name]
                waiting.append(by_name[name])
    return list(found.values())


def _is_used(key: str, merged: Mapping[str, Statement]) -> bool:
    """Whether another statement needs what the statement of this key defines."""
    names = set(names_of(merged[key].node)) if key in merged else set()
    return any(names & names_used(each.node) for name, each in merged.items() if name != key)


def _written(
    fresh: Module, own: Module, old: Module, statements: Sequence[Statement], carried: Sequence[Statement]
) -> str:
    """Write the file: the new one's beginning and imports, the owner's imports, and the statements."""
    imports, extra = merge_imports(fresh, own, old, carried)
    head = [each for each in statements if each.key == DOCSTRING]
    text = "".join(each.lead + each.body for each in head)
    text += "".join(each.lead + each.body for each in imports)
    text += "".join(extra)
    text += "".join(_apart(each.lead) + each.body for each in statements if each not in head)
    return text + (own.tail if own.tail.strip() != old.tail.strip() else fresh.tail)


def _apart(lead: str) -> str:
    return re.sub(r"\n{4,}", "\n\n\n", lead)

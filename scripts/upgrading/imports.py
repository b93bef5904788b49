"""The imports of a Python file in three versions, merged."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .python_file import Module, Statement, lines_of, names_used

Imported = tuple[str, str, str | None]
"""The module, the name and the alias of what is imported; no name if it is the module itself."""


def merge_imports(
    fresh: Module, own: Module, old: Module, carried: Sequence[Statement]
) -> tuple[list[Statement], list[str]]:
    """Return the new file's imports with the owner's comments at them, and lines for what they lack.

    These are what the owner imports in addition, and what the owner's statements use.
    """
    imports = dict(fresh.imports)
    known = {each for statement in fresh.imports.values() for each in _imported(statement)}
    before = {each for statement in old.imports.values() for each in _imported(statement)}
    used = set().union(*(names_used(each.node) for each in carried))
    extra: list[str] = []
    for key, mine in own.imports.items():
        was, now = old.imports.get(key), fresh.imports.get(key)
        lead = _comments(mine.lead) if was is None or mine.lead.strip() != was.lead.strip() else ""
        if now is not None:
            is_ours = was is not None and mine.body != was.body and now.body == was.body
            lead = mine.lead if lead else now.lead
            imports[key] = replace(now, lead=lead, body=mine.body if is_ours else now.body)
            continue
        needed = [each for each in _imported(mine) if each not in known and _is_needed(each, before, used)]
        known |= {*needed}
        is_whole = needed == [*_imported(mine)]
        if needed and not _is_future(mine):
            extra.append(lead + (mine.body if is_whole else _import_of(needed)))
        elif lead:  # the new file has all of it, in other lines
            near = next((key for key, each in imports.items() if _module(each) == _module(mine)), None)
            near = near or next(iter(imports), None)
            if near is None:
                extra.append(lead)
            else:
                imports[near] = replace(imports[near], lead=imports[near].lead + lead)
    return [*imports.values()], extra


def _is_needed(imported: Imported, before: set[Imported], used: set[str]) -> bool:
    """Whether the owner has added an import, or the owner's statements use it."""
    module, name, alias = imported
    return imported not in before or (alias or name or module).partition(".")[0] in used


def _is_future(statement: Statement) -> bool:
    """Whether it has to be the first of a file: the new file says itself what of that it needs."""
    return _module(statement) == "__future__"


def _import_of(parts: Sequence[Imported]) -> str:
    """Return the line that imports some names of one statement."""
    texts = [f"{name or module}{f' as {alias}' if alias else ''}" for module, name, alias in parts]
    return (
        f"from {parts[0][0]} import {', '.join(texts)}\n" if parts[0][1] else f"import {', '.join(texts)}\n"
    )


def _module(statement: Statement) -> str:
    return next(_imported(statement))[0]


def _comments(lead: str) -> str:
    return "".join(line for line in lines_of(lead) if line.strip())


def _imported(statement: Statement) -> Iterator[Imported]:
    """Yield what a statement imports."""
    node = statement.node
    if isinstance(node, ast.ImportFrom):
        yield from (("." * node.level + (node.module or ""), each.name, each.asname) for each in node.names)
    elif isinstance(node, ast.Import):
        yield from ((each.name, "", each.asname) for each in node.names)

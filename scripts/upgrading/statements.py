"""Three versions of a Python file merged by their top-level statements, for the files that owners edit.

Lines are too small a unit there: a comment that both sides changed would spoil a merge, and half of a class
from either side is no class.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

T = TypeVar("T")

LINE = 110
INDENT = "    "
DOCSTRING = "docstring"
Import = ast.Import | ast.ImportFrom


class Conflict(Exception):
    """Both sides changed the same statement, or a file cannot be taken apart."""


@dataclass(frozen=True)
class Statement:
    """A top-level statement, the docstring that follows it, and the comments and blank lines before it."""

    key: str
    lead: str
    body: str
    node: ast.stmt

    @property
    def meaning(self) -> str:
        """What it says, however it is laid out."""
        return ast.dump(self.node)

    @property
    def elements(self) -> list[str] | None:
        """The elements of a list that it assigns to a name; None if it is another statement."""
        value = self._list
        return [ast.unparse(element) for element in value.elts] if value else None

    def with_elements(self, elements: Sequence[str]) -> Statement:
        """The same list with other elements. Raises Conflict if comments among them would be lost."""
        value = self._list
        if value is None or value.end_lineno is None:
            raise Conflict(self.key)
        lines = _lines(self.body)
        first = self.node.lineno
        start = _offset(lines, value.lineno - first, value.col_offset)
        end = _offset(lines, value.end_lineno - first, value.end_col_offset or 0)
        if "#" in self.body[start:end]:
            raise Conflict(self.key)
        short = f"[{', '.join(elements)}]"
        is_short = "\n" not in self.body[start:end] and len(lines[0]) - (end - start) + len(short) <= LINE
        tall = "".join(f"\n{INDENT}{element}," for element in elements)
        text = short if is_short or not elements else f"[{tall}\n]"
        return replace(self, body=self.body[:start] + text + self.body[end:])

    @property
    def _list(self) -> ast.List | None:
        value = self.node.value if isinstance(self.node, (ast.Assign, ast.AnnAssign)) else None
        return value if isinstance(value, ast.List) else None


@dataclass(frozen=True)
class Module:
    """A Python file: its imports, its other statements by name, and what follows the last of them."""

    imports: dict[str, Statement]
    statements: dict[str, Statement]
    tail: str

    @property
    def defined(self) -> set[str]:
        """The names that its statements define, imports aside."""
        return {name for each in self.statements.values() for name in names_of(each.node)}


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


def read_module(text: str) -> Module:
    """Take a file apart. Put together again, its parts are the file. Raises Conflict."""
    try:
        nodes = ast.parse(text).body
    except (SyntaxError, ValueError) as error:
        raise Conflict(str(error)) from error
    lines = _lines(text)
    if "\r" in text:
        raise Conflict("Python and we may count its lines differently")
    imports: dict[str, Statement] = {}
    statements: dict[str, Statement] = {}
    done = 0
    for node, last in _with_docstrings(nodes):
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))]) - 1
        if first < done:
            raise Conflict(f"two statements in line {first + 1}")
        body = "".join(lines[first:last]).rstrip("\n") + "\n"
        kind = imports if isinstance(node, Import) else statements
        name = ast.unparse(node) if isinstance(node, Import) else _key(node, is_first=node is nodes[0])
        key = next(each for number in range(len(nodes) + 1) if (each := f"{name}{'#' * number}") not in kind)
        kind[key] = Statement(key, "".join(lines[done:first]), body, node)
        done = last
    return Module(imports, statements, "".join(lines[done:]))


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


def names_of(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a top-level statement defines or imports."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import() | ast.ImportFrom():
            yield from ((each.asname or each.name).partition(".")[0] for each in node.names)
        case _:
            yield from _defined(node)


def _defined(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node defines where it stands, not those in functions and comprehensions."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Import() | ast.ImportFrom():
            yield from names_of(node)
        case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            pass
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case _:
            for each in ast.iter_child_nodes(node):
                yield from _defined(each)


def _with_docstrings(nodes: Sequence[ast.stmt]) -> Iterator[tuple[ast.stmt, int]]:
    """Yield each statement with the line on which it ends, or the docstring below it."""
    rest = list(nodes)
    while rest:
        node = rest.pop(0)
        last = node.end_lineno or node.lineno
        is_value = isinstance(node, (ast.Assign, ast.AnnAssign))
        if is_value and rest and isinstance(rest[0], ast.Expr) and isinstance(rest[0].value, ast.Constant):
            last = rest[0].end_lineno or last
            rest.pop(0)
        yield node, last


def _key(node: ast.stmt, *, is_first: bool) -> str:
    if is_first and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return DOCSTRING
    return ", ".join(dict.fromkeys(names_of(node))) or ast.unparse(node)


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
        if is_ours and any(lacking & _used(each.node) for each in merged.values()):
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
        for name in _used(waiting.pop().node):
            if name in by_name and name not in there and by_name[name].key not in found:
                found[by_name[name].key] = by_name[name]
                waiting.append(by_name[name])
    return list(found.values())


def _is_used(key: str, merged: Mapping[str, Statement]) -> bool:
    """Whether another statement needs what the statement of this key defines."""
    names = set(names_of(merged[key].node)) if key in merged else set()
    return any(names & _used(each.node) for name, each in merged.items() if name != key)


def _used(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _written(
    fresh: Module, own: Module, old: Module, statements: Sequence[Statement], carried: Sequence[Statement]
) -> str:
    """Write the file: the new one's beginning and imports, the owner's imports, and the statements."""
    imports, extra = _merged_imports(fresh, own, old, carried)
    head = [each for each in statements if each.key == DOCSTRING]
    text = "".join(each.lead + each.body for each in head)
    text += "".join(each.lead + each.body for each in imports)
    text += "".join(extra)
    text += "".join(_apart(each.lead) + each.body for each in statements if each not in head)
    return text + (own.tail if own.tail.strip() != old.tail.strip() else fresh.tail)


def _apart(lead: str) -> str:
    return re.sub(r"\n{4,}", "\n\n\n", lead)


def _merged_imports(
    fresh: Module, own: Module, old: Module, carried: Sequence[Statement]
) -> tuple[list[Statement], list[str]]:
    """Return the new file's imports with the owner's comments at them, and lines for what they lack.

    These are what the owner imports in addition, and what the owner's statements use.
    """
    imports = dict(fresh.imports)
    known = {each for statement in fresh.imports.values() for each in _imported(statement)}
    before = {each for statement in old.imports.values() for each in _imported(statement)}
    used = set().union(*(_used(each.node) for each in carried))
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


Imported = tuple[str, str, str | None]
"""The module, the name and the alias of what is imported; no name if it is the module itself."""


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
    return "".join(line for line in _lines(lead) if line.strip())


def _imported(statement: Statement) -> Iterator[Imported]:
    """Yield what a statement imports."""
    node = statement.node
    if isinstance(node, ast.ImportFrom):
        yield from (("." * node.level + (node.module or ""), each.name, each.asname) for each in node.names)
    elif isinstance(node, ast.Import):
        yield from ((each.name, "", each.asname) for each in node.names)


def _lines(text: str) -> list[str]:
    """Split a text where Python does. `splitlines` also splits at a form feed, for example."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _offset(lines: Sequence[str], line: int, column: int) -> int:
    """Return the place in a text of a line and of a column, which ast counts in bytes."""
    return sum(map(len, lines[:line])) + len(lines[line].encode()[:column].decode())

"""A Python file taken apart into its imports and its other top-level statements, and the names in these."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

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
        lines = lines_of(self.body)
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


def read_module(text: str) -> Module:
    """Take a file apart. Put together again, its parts are the file. Raises Conflict."""
    try:
        nodes = ast.parse(text).body
    except (SyntaxError, ValueError) as error:
        raise Conflict(str(error)) from error
    lines = lines_of(text)
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


def names_of(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a top-level statement defines or imports."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import() | ast.ImportFrom():
            yield from ((each.asname or each.name).partition(".")[0] for each in node.names)
        case _:
            yield from _defined(node)


def names_used(node: ast.AST) -> set[str]:
    """Return the names that stand in a node, used or defined."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


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


def lines_of(text: str) -> list[str]:
    """Split a text where Python does. `splitlines` also splits at a form feed, for example."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _offset(lines: Sequence[str], line: int, column: int) -> int:
    """Return the place in a text of a line and of a column, which ast counts in bytes."""
    return sum(map(len, lines[:line])) + len(lines[line].encode()[:column].decode())

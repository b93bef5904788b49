"""What the sources of the two Spaces import and read, found in their text without importing them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SPACES = ["frontend", "backend"]


class Found(NamedTuple):
    """A name in a source, and where it stands."""

    name: str
    place: str


@dataclass(frozen=True)
class Source:
    """One Python file of a Space: `path` is relative to the project's `root`."""

    root: Path
    path: Path

    @property
    def space(self) -> str:
        return self.path.parts[0]

    @property
    def module(self) -> str:
        """As the Space's own imports name it: `src.shared.data.request`."""
        return ".".join(self.path.with_suffix("").parts[1:]).removesuffix(".__init__")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse((self.root / self.path).read_text(encoding="utf-8"))

    @property
    def is_entry_point(self) -> bool:
        """`app.py`, and what runs as `python -m src.…`."""
        return self.module == "app" or any(
            isinstance(node, ast.If) and "__main__" in ast.unparse(node.test) for node in self.tree.body
        )

    def imports(self) -> Iterator[Found]:
        """Every imported module or name, absolute and with dots, wherever in the file it is imported."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (self._found(each.name, node) for each in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (self._found(f"{self._base(node)}.{each.name}", node) for each in node.names)

    def variables(self) -> Iterator[Found]:
        """Every environment variable that is read: those named in the text, and the fields of Settings."""
        for class_name in ("CommonSettings", "Settings"):
            yield from (Found(name.upper(), place) for name, place in self.fields(class_name))
        for node in ast.walk(self.tree):
            match node:
                case ast.Call(func, [ast.Constant(str(name)), *_]) if ast.unparse(func) in READERS:
                    yield self._found(name, node)
                case ast.Subscript(value, ast.Constant(str(name)), ast.Load()):
                    if ast.unparse(value) == "os.environ":
                        yield self._found(name, node)

    def fields(self, class_name: str) -> list[Found]:
        """The annotated fields of a dataclass."""
        classes = [
            node for node in self.tree.body if isinstance(node, ast.ClassDef) and node.name == class_name
        ]
        body = classes[0].body if classes else []
        return [
            self._found(node.target.id, node)
            for node in body
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        ]

    def _base(self, node: ast.ImportFrom) -> str:
        """The module after `from`, with the dots of a relative import resolved."""
        if not node.level:
            return node.module or ""
        package = self.path.parent.parts[1:]
        parts = [*package[: len(package) - node.level + 1], *filter(None, [node.module])]
        return ".".join(parts)

    def _found(self, name: str, node: ast.stmt | ast.expr) -> Found:
        return Found(name, f"{self.path.as_posix()}:{node.lineno}")


TASKS = Path("backend/tasks")

READERS = {"os.environ.get", "os.environ.pop", "os.getenv"}


def sources(root: Path = ROOT) -> list[Source]:
    """Every Python file of both Spaces, but not the tasks, which are the owner's."""
    found = [path.relative_to(root) for space in SPACES for path in sorted((root / space).rglob("*.py"))]
    return [Source(root, path) for path in found if not path.is_relative_to(TASKS)]

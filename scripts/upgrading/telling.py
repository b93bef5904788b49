"""What an owner reads after an upgrade: what changed for them, and what to look at."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from .base import VERSION_FILE
from .clone import Clone, File
from .python_file import Conflict, names_of, read_module

ENVS = ("frontend/src/envs.py", "backend/src/envs.py")
VERSION = re.compile(r'^VERSION = "([^"]+)"$', re.MULTILINE)
MOST_OF_A_SENTENCE = 200
MOST = {"Added": 10, "Changed": 15, "Fixed": 0}
"""How many changes of a kind are named one by one. What owners have to check is named as a whole."""

Files = Mapping[str, File]


def version_of(clone: Clone, files: Files) -> str:
    """Return the version that a tree says it is."""
    found = VERSION.search(clone.read(files.get(VERSION_FILE)).decode(errors="replace"))
    return found[1] if found else "0.1"


def news(old: str, new: str) -> Iterator[str]:
    """Yield the lines of the new changelog that the old one does not have, each change in one sentence."""
    known = {_first_sentence(change) for _, _, change in _changes(old)}
    parts: dict[tuple[str, str], list[str]] = {}
    for version, kind, change in _changes(new):
        is_news = (sentence := _first_sentence(change)) not in known
        if is_news and not kind.startswith("Upgrading"):  # the steps by hand
            parts.setdefault((version, kind), []).append(sentence)
    shown = ""
    for (version, kind), sentences in parts.items():
        if version != shown:
            yield f"{version}"
            shown = version
        most = MOST.get(kind, len(sentences))
        yield f"  {kind}{f' ({len(sentences)})' * (most < len(sentences))}"
        yield from (f"    - {sentence}" for sentence in sentences[:most])


def settings_to_look_at(clone: Clone, ours: Files, base: Files, new: Files, result: Files) -> Iterator[str]:
    """Yield sentences about settings that the new version brings, or whose value changes without an edit."""
    for path in ENVS:
        own, old, fresh, after = (_values(clone, files.get(path)) for files in (ours, base, new, result))
        lacking = [name for name in fresh if name not in after and name not in old]
        added = [name for name in fresh if name not in old and name not in own and name in after]
        if added:
            number = f"{len(added)} new settings, at their defaults"
            number = "1 new setting, at its default" if len(added) == 1 else number
            yield f"{path} has {number}: {', '.join(added)}."
        if lacking:
            yield f"{path} lacks {', '.join(lacking)}, so the defaults apply."
        for name, value in after.items():
            if name in own and value != own[name]:
                yield f"The default of {name} in {path} has changed from {own[name]} to {value}."


def broken_imports(clone: Clone, new: Files, result: Files) -> Iterator[str]:
    """Yield a sentence for each name of ours that an owner's file imports and that does not exist."""
    for path, file in result.items():
        space = path.partition("/")[0]
        if path.endswith(".py") and space in ("frontend", "backend") and file != new.get(path):
            yield from _broken_imports(clone, result, path, space)


def _broken_imports(clone: Clone, result: Files, path: str, space: str) -> Iterator[str]:
    try:
        tree = ast.parse(clone.read(result[path]))
    except (SyntaxError, ValueError) as error:
        yield f"{path} is not valid Python: {error}. Correct it before you deploy."
        return
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        names = []
        if isinstance(node, ast.ImportFrom) and not node.level and _is_ours(node.module):
            names = [(node.module or "", each.name) for each in node.names]
        elif isinstance(node, ast.Import):
            names = [(each.name, "") for each in node.names if _is_ours(each.name)]
        for module, name in names:
            if not _exists(clone, result, space, module, name):
                what = f"{name} from {module}" if name else module
                yield (
                    f"{path}, line {node.lineno}, imports {what}, which does not exist any more. Look it up "
                    "in docs/architecture.md, and correct the line: the Space does not start before."
                )


def _is_ours(module: str | None) -> bool:
    return (module or "").split(".")[0] == "src"


def _exists(clone: Clone, files: Files, space: str, module: str, name: str) -> bool:
    path = f"{space}/{module.replace('.', '/')}"
    if name and (f"{path}/{name}.py" in files or f"{path}/{name}/__init__.py" in files):
        return True
    file = files.get(f"{path}.py") or files.get(f"{path}/__init__.py")
    if file is None or not name or name == "*":
        return file is not None
    try:
        statements = ast.parse(clone.read(file)).body
    except (SyntaxError, ValueError):
        return True
    return name in {each for statement in statements for each in names_of(statement)}


def _values(clone: Clone, file: File | None) -> dict[str, str]:
    """Return the settings that a file assigns, as they are written."""
    try:
        statements = read_module(clone.read(file).decode(errors="replace")).statements
    except Conflict:
        return {}
    return {
        name: value
        for statement in statements.values()
        for name, value in _assigned(statement.node)
        if name.isupper()
    }


def _assigned(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Yield the names that a statement assigns to, each with its value; of `A, B = f()` the whole value."""
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
        return
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    are_pairs = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
    names, values = (each.elts if isinstance(each, ast.Tuple) else [] for each in (target, node.value))
    if are_pairs and len(names) == len(values):
        pairs = zip(names, values, strict=True)
        yield from ((ast.unparse(name), ast.unparse(value)) for name, value in pairs)
    else:
        yield from ((name, ast.unparse(node.value)) for name in names_of(node))


def _changes(changelog: str) -> Iterator[tuple[str, str, str]]:
    """Yield version, kind and text of each change that a changelog lists."""
    for part in re.split(r"^(?=## )", changelog, flags=re.MULTILINE)[1:]:
        version = part.partition("\n")[0].removeprefix("## ")
        for section in re.split(r"^(?=### )", part, flags=re.MULTILINE)[1:]:
            kind = section.partition("\n")[0].removeprefix("### ")
            for change in re.findall(r"^(?:-|\d+\.) (.*(?:\n  +\S.*)*)", section, re.MULTILINE):
                yield version, kind, " ".join(change.split())


def _first_sentence(change: str) -> str:
    plain = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", re.sub(r"^\*\*(.+?)\.\*\*", r"\1:", change))
    sentence = re.split(r"(?<=\.)\s+(?=[A-Z`\[])", plain)[0]
    return sentence if len(sentence) <= MOST_OF_A_SENTENCE else sentence[:MOST_OF_A_SENTENCE].rstrip() + " …"

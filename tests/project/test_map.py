"""docs/architecture.md begins with a map of the rooms, each with the first sentence of its own docstring, and
explains the words.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from support.rooms import FLOORS, OWNERS, SHARED
from support.sources import ROOT
from support.tables import compare_table

SPACES = {"shared": "frontend/src/shared", "frontend": "frontend/src", "backend": "backend/src"}


def first_sentence(path: Path) -> str:
    """The first sentence of a module's or a package's docstring."""
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    sentence, dot, _ = " ".join(docstring.partition("\n\n")[0].split()).partition(". ")
    return sentence + dot.strip()


def rooms(space: str) -> list[str]:
    """The rooms and loose files of a part, from the bottom up; owners' files beside their room."""
    lines = SHARED if space == "shared" else FLOORS[space]
    beside = {room: file for file, room in OWNERS.items()} if space == "frontend" else {}
    names = [name for line in lines for name in line.split() if name != "app"]
    return [each for name in names for each in (beside.get(name), name) if each]


@pytest.mark.parametrize("space", SPACES)
def test_the_map_in_the_docs_is_the_tree(space: str) -> None:
    folder = ROOT / SPACES[space]
    rows = [
        (f"`{name}/`" if (folder / name).is_dir() else f"`{name}.py`", first_sentence(folder / name))
        for name in rooms(space)
    ]
    compare_table(ROOT / "docs" / "architecture.md", f"map of {space}", ("room", "what it is"), rows)


@pytest.mark.parametrize("space", SPACES)
def test_every_folder_and_file_is_on_the_map(space: str) -> None:
    folder = ROOT / SPACES[space]
    there = {path.stem for path in folder.iterdir() if path.is_dir() or path.suffix == ".py"}
    by_hand = {"evaluate", "import_results", "rerun", "backup", "restore", "remove", "retire"}
    commands = {"for_old_template", *by_hand}
    not_rooms = {"__init__", "__pycache__", "shared", *commands}
    assert there - not_rooms == set(rooms(space))


def test_the_glossary_has_few_words_and_each_once() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition("\n## The words\n")[2].partition("\n## ")[0]
    table = section.partition("|---|---|\n")[2]
    words = re.findall(r"^\| ([a-z]+) \| \S", table, re.MULTILINE)
    assert 30 < len(words) == len(set(words)) <= 43

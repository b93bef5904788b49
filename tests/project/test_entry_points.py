"""What every program of the two Spaces does first."""

import ast
from pathlib import Path

import pytest

from support.sources import Source, sources

IMPORT = "from src.shared.process.hardening import forbid_inspection"
CALL = "if __name__ == '__main__':\n    forbid_inspection()"


def reads_secrets(file: Source) -> bool:
    """Whether it is a program that reads the settings, the token among them; evaluations have none."""
    return file.is_entry_point and "src.evaluation" not in file.module


def hides_first(file: Source) -> bool:
    """Whether it hides itself before anything else is imported."""
    body = [node for node in file.tree.body if not isinstance(node, ast.Expr)]
    first = [ast.unparse(node) for node in body if "__future__" not in ast.unparse(node)]
    return first[:2] == [IMPORT, CALL]


PROGRAMS = [file for file in sources() if reads_secrets(file)]


@pytest.mark.parametrize("file", PROGRAMS, ids=lambda file: str(file.path))
def test_a_program_that_holds_a_token_hides_before_it_imports_anything_else(file: Source) -> None:
    assert hides_first(file), f"{file.path} does not begin with:\n{IMPORT}\n\n{CALL}"


def test_the_three_programs_are_found() -> None:
    assert {str(file.path) for file in PROGRAMS} >= {
        "frontend/app.py",
        "backend/app.py",
        "backend/src/worker.py",
    }


@pytest.mark.parametrize(
    "text",
    ["import logging\n" + IMPORT + "\n" + CALL, IMPORT + "\nimport logging\n" + CALL, "import logging"],
)
def test_one_that_hides_too_late_or_never_is_noticed(tmp_path: Path, text: str) -> None:
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "app.py").write_text(text)
    [file] = sources(tmp_path)
    assert not hides_first(file)

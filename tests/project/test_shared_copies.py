"""`scripts/shared_copies.py` keeps the backend's copy of the shared code equal to the frontend's original."""

import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.sources import ROOT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with the script in it and an equal copy."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/shared_copies.py", tmp_path / "scripts")
    for space in ["frontend", "backend"]:
        folder = tmp_path / space / "src/shared"
        (folder / "dialects").mkdir(parents=True)
        (folder / "store.py").write_text("store\n")
        (folder / "dialects/old.py").write_text("old\n")
    return tmp_path


def shared_copies(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(project / "scripts/shared_copies.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_equal_copies_pass_the_check(project: Path) -> None:
    cache = project / "backend/src/shared/__pycache__"
    cache.mkdir()
    (cache / "store.pyc").write_text("cached")
    check = shared_copies(project, "--check")
    assert (check.returncode, check.stdout) == (0, "")


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("backend/src/shared/store.py", "changed\n", "backend/src/shared/store.py differs from"),
        ("backend/src/shared/extra.py", "extra\n", "backend/src/shared/extra.py is not in"),
        ("frontend/src/shared/dialects/new.py", "new\n", "backend/src/shared/dialects/new.py is missing"),
    ],
)
def test_the_check_names_the_file_that_differs(project: Path, file: str, content: str, says: str) -> None:
    (project / file).write_text(content)
    check = shared_copies(project, "--check")
    assert check.returncode == 1
    assert says in check.stdout
    assert "make style" in check.stdout


def test_writing_makes_the_copy_equal_again(project: Path) -> None:
    (project / "backend/src/shared/store.py").write_text("changed\n")
    (project / "backend/src/shared/extra.py").write_text("extra\n")
    (project / "frontend/src/shared/dialects/new.py").write_text("new\n")
    assert shared_copies(project).returncode == 0
    assert shared_copies(project, "--check").returncode == 0
    assert (project / "frontend/src/shared/store.py").read_text() == "store\n"
    assert not (project / "backend/src/shared/extra.py").exists()


@pytest.mark.parametrize(
    ("seed", "name"), [("eval-queue-seed", "REQUESTS"), ("eval-results-seed", "RESULTS")]
)
def test_the_seeds_cards_are_those_of_new_datasets_and_say_where_the_seeds_are_from(
    seed: str, name: str
) -> None:
    cards = runpy.run_path(str(ROOT / "frontend/src/shared/data/cards.py"))
    text = (ROOT / seed / "README.md").read_text(encoding="utf-8").replace("license: apache-2.0\n", "", 1)
    assert text.startswith(cards[f"{name}_CARD"])
    assert "make seeds" in text

"""A duplicate of version 0.1 is upgraded by following CHANGELOG.md: its task, checks and columns work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_leaderboard import ROOT, running
from support.leaderboard import BACKEND_PYTHON, FRONTEND_PYTHON
from support.upgrades import EDITS, LARGE, SMALL, add_checks_and_columns, add_model, add_result
from visitor import NoResult, Visitor

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
IMPORT = re.compile(r"^(?:from|import) (src\.[\w.]+)", re.MULTILINE)


def moved() -> dict[str, str]:
    """The table of modules that moved: the new name by the old one."""
    name = "modules that moved"
    table = CHANGELOG.partition(f"<!-- {name} -->")[2].partition(f"<!-- end of {name} -->")[0]
    rows = re.findall(r"^\| `(src[\w.]+)` \| `(src[\w.]+)` \|$", table, re.MULTILINE)
    assert len(rows) == len(dict(rows)) == table.count("\n") - 3
    return dict(rows)


def upgraded(code: str) -> str:
    """The owner's code with the modules that the table gives, where it imports and where it uses them."""
    table = moved()
    for old in IMPORT.findall(code):
        code = re.sub(rf"\b{re.escape(old)}\b(?!\.\w+ import)", table.get(old, old), code)
    return code


def own(name: str) -> str:
    return (EDITS / name).read_text(encoding="utf-8")


@pytest.fixture
def duplicate(tmp_path: Path) -> Path:
    """The new Spaces with the kept files in them: steps 1 and 2 of the changelog."""
    for space in ("frontend", "backend"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / space, tmp_path / space, ignore=ignore)
        shutil.copytree(EDITS / space, tmp_path / space, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def visitor(duplicate: Path) -> Iterator[Visitor]:
    """Somebody at the upgraded frontend, after step 4 of the changelog."""
    add_checks_and_columns(duplicate, upgraded(own("own_checks.py")), upgraded(own("own_columns.py")))
    data = duplicate / "data"
    add_model(data, SMALL, 100)
    add_model(data, LARGE, 101)
    add_result(data)
    with running(data, ("frontend",), root=duplicate, HF_HUB_OFFLINE="1") as spaces:
        yield Visitor(spaces["frontend"].url)


def test_an_upgraded_frontend_has_the_owners_columns_scores_and_checks(visitor: Visitor) -> None:
    [row] = visitor.table()
    assert (row["Submitted"], row["Results"]) == ("2026-01-31", 1)
    assert (row["Capitals"], row["Copying"]) == (75, 25)
    assert row["Average ⬆️"] == pytest.approx((2 * 75 + 25) / 3)
    assert visitor.submit(SMALL, precision="bfloat16", model_type="pretrained")
    with pytest.raises(NoResult, match=f"{LARGE} was not accepted: '{LARGE}' has more than 100 parameters."):
        visitor.submit(LARGE, precision="bfloat16", model_type="pretrained")


def test_the_old_imports_do_not_work(duplicate: Path) -> None:
    add_checks_and_columns(duplicate, own("own_checks.py"), own("own_columns.py"))
    for module in ("checks", "columns"):
        done = subprocess.run(
            [FRONTEND_PYTHON, "-c", f"import src.{module}"],
            cwd=duplicate / "frontend",
            capture_output=True,
            text=True,
            check=False,
        )
        assert "No module named 'src." in done.stderr


@pytest.mark.slow
def test_an_upgraded_backend_runs_the_owners_task(duplicate: Path) -> None:
    assert "`python -m src.suite`" in CHANGELOG
    done = subprocess.run(
        [BACKEND_PYTHON, "-m", "src.suite"],
        cwd=duplicate / "backend",
        env=os.environ | {"LEADERBOARD_DATA_DIR": str(duplicate / "data"), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "capitals" in done.stdout + done.stderr

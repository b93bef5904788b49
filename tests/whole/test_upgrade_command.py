"""`make upgrade` from three earlier versions of this template keeps the owner's title, task and check.

The owners' files lie in tests/support/upgrade. The earlier versions come from this project's own history.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from local_leaderboard import ROOT, running
from support.leaderboard import BACKEND_PYTHON
from support.upgrades import (
    LARGE,
    OWN_HEAD,
    OWN_PACKAGE,
    SMALL,
    VERSIONS,
    Version,
    add_model,
    add_result,
    git,
    is_here,
    template_of_this_tree,
    without_git_settings,
)
from visitor import NoResult, Visitor

pytestmark = pytest.mark.slow

READ_SETTINGS = """
import json
from src.settings import Settings
from src.shared.environment import owners_file, read_settings
settings = read_settings(Settings, owners_file("src.envs"))
print(json.dumps([settings.tasks_harness, settings.max_hours]))
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template_of_this_tree(tmp_path_factory.mktemp("upgrade") / "template")


def clone_at(version: Version, template: Path, folder: Path) -> Path:
    """An owner's clone at a version. Of the first version it is a copy without the template's history."""
    if not is_here(version.commit):
        pytest.skip(f"this clone of the project has no commit {version.commit}: fetch its whole history")
    git(template, "clone", "--quiet", str(template), str(folder))
    git(folder, "reset", "--quiet", "--hard", git(ROOT, "rev-parse", version.commit))
    if version.name == "first":
        shutil.rmtree(folder / ".git")
        git(folder, "init", "--quiet")
    version.edit(folder)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "our capitals")
    return folder


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_both_spaces_start_with_the_owners_title_task_and_check(
    version: Version, template: Path, tmp_path: Path
) -> None:
    clone = clone_at(version, template, tmp_path / "clone")
    command = [sys.executable, str(ROOT / "scripts" / "upgrade.py"), "--clone", str(clone)]
    done = subprocess.run(
        [*command, "--template", str(template), "--no-doctor"],
        env=without_git_settings(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert git(ROOT, "rev-parse", "--short=8", version.commit) in done.stdout
    assert git(clone, "status", "--porcelain") == ""
    assert not [*clone.rglob("*.new"), *clone.rglob("*.yours")]
    assert OWN_HEAD in (clone / "frontend" / "README.md").read_text(encoding="utf-8")
    for space in ("frontend", "backend"):
        now = (ROOT / space / "requirements.txt").read_text(encoding="utf-8")
        assert (clone / space / "requirements.txt").read_text(encoding="utf-8") == f"{now}{OWN_PACKAGE}\n"
    others = set(git(clone, "diff", "--name-only", "HEAD^2", "HEAD").splitlines())
    assert others == {
        *(
            f"{space}/{file}"
            for space in ("frontend", "backend")
            for file in ("requirements.txt", "src/envs.py")
        ),
        *(f"frontend/{file}" for file in ("README.md", "src/about.py", "src/checks.py", "src/columns.py")),
        "backend/tasks/capitals.jsonl",
        "backend/tasks/capitals.yaml",
    }
    the_frontend_is_the_owners(clone)
    the_backend_is_the_owners(clone)


def the_frontend_is_the_owners(clone: Path) -> None:
    data = clone.parent / "data"
    add_model(data, SMALL, 100)
    add_model(data, LARGE, 101)
    add_result(data)
    with running(data, ("frontend",), root=clone, HF_HUB_OFFLINE="1") as spaces:
        with urllib.request.urlopen(f"{spaces['frontend'].url}/table") as page:
            assert "Our capitals</h1>" in page.read().decode()
        visitor = Visitor(spaces["frontend"].url)
        [row] = visitor.table()
        assert (row["Submitted"], row["Results"]) == ("2026-01-31", 1)
        assert (row["Capitals"], row["Copying"]) == (75, 25)
        assert visitor.submit(SMALL, precision="bfloat16", model_type="pretrained")
        with pytest.raises(NoResult, match=f"'{LARGE}' has more than 100 parameters."):
            visitor.submit(LARGE, precision="bfloat16", model_type="pretrained")


def the_backend_is_the_owners(clone: Path) -> None:
    def python(*arguments: str) -> str:
        ran = subprocess.run(
            [BACKEND_PYTHON, *arguments],
            cwd=clone / "backend",
            env=os.environ | {"LEADERBOARD_DATA_DIR": str(clone.parent / "data"), "HF_HUB_OFFLINE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    assert json.loads(python("-c", READ_SETTINGS)) == ["capitals, tiny_copy", 2]
    assert "capitals" in python("-m", "src.suite")

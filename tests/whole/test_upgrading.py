"""A duplicate of version 0.1 is upgraded by following CHANGELOG.md: its task, checks and columns work."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_leaderboard import ROOT, running
from support.leaderboard import BACKEND_PYTHON, FRONTEND_PYTHON
from visitor import NoResult, Visitor

DUPLICATE = ROOT / "tests" / "support" / "upgrade"
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
IMPORT = re.compile(r"^(?:from|import) (src\.[\w.]+)", re.MULTILINE)
SMALL, LARGE = "acme/small", "acme/large"


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


def paste(file: Path, code: str, *, above: str, lists: dict[str, str]) -> None:
    """Put code above a line of a file, and names at the end of its lists."""
    text = file.read_text(encoding="utf-8")
    assert text.count(f"\n{above}") == 1
    text = text.replace(f"\n{above}", f"\n{code}\n\n{above}")
    for name, members in lists.items():
        text, number = re.subn(rf"^({name}\b[^=]*= \[[^\]]*?),?\s*\]", rf"\1, {members}]", text, flags=re.M)
        assert number == 1
    file.write_text(text, encoding="utf-8")


def own(name: str) -> str:
    return (DUPLICATE / name).read_text(encoding="utf-8")


@pytest.fixture
def duplicate(tmp_path: Path) -> Path:
    """The new Spaces with the kept files in them: steps 1 and 2 of the changelog."""
    for space in ("frontend", "backend"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / space, tmp_path / space, ignore=ignore)
        shutil.copytree(DUPLICATE / space, tmp_path / space, dirs_exist_ok=True)
    return tmp_path


def add_own_checks_and_columns(duplicate: Path, checks: str, columns: str) -> None:
    """Step 4 of the changelog."""
    source = duplicate / "frontend" / "src"
    paste(
        source / "checks.py", checks, above="CHECKS: ", lists={"CHECKS": "leaves_room_for_others, is_small"}
    )
    paste(
        source / "columns.py",
        columns,
        above="BEFORE_TASKS = ",
        lists={"BEFORE_TASKS": "SUBMITTED", "AFTER_TASKS": "RESULTS"},
    )


def add_model(data: Path, name: str, params: int) -> None:
    """A model of which only the header of the weights is true."""
    folder = data / "models" / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n" + "It was made to be evaluated. " * 20)
    weight = {"dtype": "F32", "shape": [params], "data_offsets": [0, 4 * params]}
    header = json.dumps({"weight": weight}).encode()
    weights = len(header).to_bytes(8, "little") + header + bytes(4 * params)
    (folder / "model.safetensors").write_bytes(weights)


def add_result(data: Path) -> None:
    """A finished request of a model, its result, and what the backend of then has published."""
    identity = {"model": SMALL, "precision": "float16", "weight_type": "Original"}
    request = identity | {"status": "FINISHED", "submitted_time": "2026-01-31T12:00:00Z"}
    files: dict[str, object] = {
        f"requests/{SMALL}_eval_request_False_float16_Original.json": request,
        f"results/{SMALL}/results_2026-01-31T13-00-00.000000.json": {
            "config": {"model_name": SMALL, "model_dtype": "torch.float16", "model_sha": "0" * 40},
            "results": {"capitals": {"acc,none": 0.75}, "tiny_copy": {"exact_match,none": 0.25}},
        },
    }
    published = {"format": 1, "tasks": [{"name": "capitals"}, {"name": "tiny_copy"}]}
    files["results/.leaderboard/backend.yaml"] = published
    for path, content in files.items():
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_text(json.dumps(content))


@pytest.fixture
def visitor(duplicate: Path) -> Iterator[Visitor]:
    """Somebody at the upgraded frontend."""
    add_own_checks_and_columns(duplicate, upgraded(own("own_checks.py")), upgraded(own("own_columns.py")))
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
    add_own_checks_and_columns(duplicate, own("own_checks.py"), own("own_columns.py"))
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

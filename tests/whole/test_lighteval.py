"""Models go all the way round with lighteval as the engine: submitted, evaluated, killed, resumed, shown."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from local_leaderboard import ENVIRONMENTS, ROOT, running
from support.leaderboard import QUICK
from support.waiting import PATIENCE, wait_for
from visitor import NoResult, Visitor

pytestmark = pytest.mark.slow

MODEL, SECOND, BROKEN = "demo/adder-novice", "demo/second", "demo/broken"
COLUMNS = {
    "Addition": ("tiny_addition|0", "acc"),
    "Agreement": ("tiny_agreement|0", "acc"),
    "Copying": ("tiny_copy|0", "exact_match"),
}
SETTINGS = {**QUICK, "HF_HUB_OFFLINE": "1", "ENGINE": "lighteval", "BATCH_SIZE": "8"}
SECONDS = 240


@pytest.fixture(scope="module")
def data(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (folder / "models").symlink_to(models)
    return folder


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the worker keeps reports of single tasks."""
    return tmp_path_factory.mktemp("tmp")


@pytest.fixture(scope="module")
def frontend(data: Path) -> Iterator[str]:
    with running(data, ("frontend",), **SETTINGS) as spaces:
        yield spaces["frontend"].url


def scores_of_lighteval(model: Path, folder: Path) -> dict[str, dict[str, float]]:
    """What its own command line computes of a copy of a model, one call per task."""
    copy = shutil.copytree(model, folder / "model")
    arguments = (
        f"model_name={copy},dtype=float32,batch_size=8,override_chat_template=false,cache_dir={folder}"
    )
    file = ROOT / "backend" / "tasks" / "tiny_lighteval.py"
    runs = [["accelerate", arguments, task, "--custom-tasks", str(file)] for task, _ in COLUMNS.values()]
    (folder / "runs.json").write_text(json.dumps(runs))
    script = ROOT / "tests" / "support" / "lighteval_command_line.py"
    command = [ENVIRONMENTS / "lighteval" / "bin" / "python", script, "runs.json", "outcomes.json"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    outcomes: list[dict[str, Any]] = json.loads((folder / "outcomes.json").read_text())
    return {task: scores for outcome in outcomes for task, scores in outcome["results"].items()}


def test_a_worker_that_was_killed_between_tasks_goes_on_and_shows_lightevals_scores(
    data: Path, temporary: Path, frontend: str, tmp_path: Path
) -> None:
    visitor = Visitor(frontend)
    worker = {**SETTINGS, "TMPDIR": str(temporary)}
    first, *_, last = (task.replace("|", "%7C") for task, _ in COLUMNS.values())
    with running(data, ("backend",), backend="lighteval", **worker) as spaces:
        wait_for(
            (data / "results/.leaderboard/backend.yaml").exists, seconds=SECONDS, what="the suite's trial"
        )
        visitor.submit(MODEL, precision="float32")
        wait_for(lambda: [*temporary.rglob(f"{first}*.json")], seconds=SECONDS, what="a finished task")
        os.killpg(spaces["backend"].process.pid, signal.SIGKILL)
        spaces["backend"].process.wait(PATIENCE)
    assert not [*temporary.rglob(f"{last}*.json")], "it was killed too late"
    with running(data, ("backend",), backend="lighteval", **worker):
        visitor.wait_for([MODEL], seconds=SECONDS)
        visitor.submit(BROKEN, precision="float32")
        with pytest.raises(NoResult, match="The weights of demo/broken are damaged"):
            visitor.wait_for([BROKEN], seconds=SECONDS)
        visitor.submit(SECOND, precision="float32")
        visitor.wait_for([SECOND], seconds=SECONDS)
    [row] = [each for each in visitor.table() if each["Model"] == MODEL]
    its = scores_of_lighteval(data / "models" / MODEL, tmp_path)
    assert {name: row[name] for name in COLUMNS} == {
        name: its[task][metric] * 100 for name, (task, metric) in COLUMNS.items()
    }
    [log] = (data / "results" / ".logs" / MODEL).glob("*_2.txt")
    assert (
        "reused the report of demo/adder-novice on tiny_addition|0 from an earlier attempt" in log.read_text()
    )
    [report] = (data / "results" / MODEL).glob("results_*.json")
    assert str(ROOT) not in report.read_text()
    assert str(data) not in report.read_text()


def test_the_page_shows_the_scores_and_what_they_were_computed_with(frontend: str, browser: Browser) -> None:
    """After the test above."""
    [row] = [each for each in Visitor(frontend).table() if each["Model"] == MODEL]
    page = browser.new_page()
    page.goto(frontend)
    shown = page.locator("#leaderboard").get_by_role("row").filter(has_text=MODEL)
    for name in COLUMNS:
        expect(shown).to_contain_text(f"{row[name]:.2f}")
    page.goto(f"{frontend.rstrip('/')}/model/{MODEL}")
    expect(page.locator("body")).to_contain_text("lighteval 0.13.0")
    page.close()

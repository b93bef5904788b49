"""A board without a worker: a person evaluates what waits, and imports what was computed elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from local_leaderboard import ROOT, Space, running
from support.leaderboard import BACKEND_PYTHON
from support.pages import listening, opening, rows
from support.reports_from_elsewhere import in_lightevals_folder, lighteval_report
from support.waiting import PATIENCE, PATIENCE_IN_MS, wait_for
from visitor import Visitor

SUBMITTED, ELSEWHERE, OTHER_ENGINE = "demo/second", "demo/third", "demo/fourth"


@pytest.fixture(scope="module")
def data(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("by-hand")
    (folder / "models").symlink_to(models)
    return folder


@pytest.fixture(scope="module")
def frontend(data: Path) -> Iterator[Space]:
    """A frontend alone: what is submitted waits for a maintainer, and no worker runs."""
    settings = {"HF_HUB_OFFLINE": "1", "REFRESH_RATE": "0.5", "APPROVAL": "by_hand"}
    with running(data, ("frontend",), **settings) as spaces:
        yield spaces["frontend"]


@pytest.fixture
def page(browser: Browser, frontend: Space) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    with listening(page):
        with opening(page):
            page.goto(frontend.url)
        yield page
    page.close()


def command(data: Path, *arguments: str) -> str:
    """Run a command as a maintainer types it in the backend's folder; what it printed."""
    done = subprocess.run(
        [BACKEND_PYTHON, "-m", *arguments],
        cwd=ROOT / "backend",
        env={**os.environ, "LEADERBOARD_DATA_DIR": str(data), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def statuses(visitor: Visitor, *models: str) -> set[str]:
    """The statuses of the requests for models, once there is one for each."""
    found = [each["status"] for each in visitor.queue() if each["model"] in models]
    return set(found) if len(found) == len(models) else set()


def recipe(title: str) -> list[str]:
    """The commands in a section of docs/maintaining.md, without their comments."""
    text = (ROOT / "docs" / "maintaining.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]


def test_a_submission_that_waits_is_evaluated_by_hand_and_comes_into_the_table(
    page: Page, data: Path, frontend: Space
) -> None:
    page.get_by_role("tab", name="Submit here!").click()
    page.get_by_label("Model name").fill(SUBMITTED)
    for field, choice in {"Precision": "float32", "Model type": "🟢 : pretrained"}.items():
        page.get_by_role("listbox", name=field).click()
        page.get_by_role("option", name=choice).click()
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.locator("#submission")).to_contain_text(SUBMITTED)
    [request] = Visitor(frontend.url).queue()
    assert request["status"] == "WAITING"
    assert not any(SUBMITTED in row for row in rows(page))

    only_printed, published = recipe("By hand")
    for line in (only_printed, published):
        assert not list((data / "results").glob("demo/*"))
        told = line.replace("acme/tiny", SUBMITTED).replace("bfloat16", "float32")
        printed = command(data, *told.split()[2:])
        assert printed.splitlines()[0].split() == ["task", "metric", "score", "questions"]

    page.get_by_role("tab", name="LLM Benchmark").click()
    notice = page.get_by_role("button", name="· Show")
    expect(notice).to_be_visible(timeout=PATIENCE_IN_MS)
    notice.click()
    expect(page.locator("#leaderboard").get_by_text(SUBMITTED).first).to_be_visible()
    visitor = Visitor(frontend.url)  # which may still read the requests when it shows the result
    wait_for(lambda: statuses(visitor, SUBMITTED) == {"FINISHED"}, what="its end in the queue")
    [file] = (data / "requests" / "demo").glob("second_*.json")
    written = json.loads(file.read_text())
    assert [each["end"] for each in written["history"]] == ["approved", "finished"]
    assert written["model_type"] == "🟢 : pretrained", "the form's answers are kept"


@pytest.mark.slow
def test_results_of_both_engines_from_elsewhere_come_into_the_table_and_say_so(
    data: Path, frontend: Space, tmp_path: Path
) -> None:
    by_lm_eval = computed_elsewhere(data / "models" / ELSEWHERE, tmp_path / "lm_eval")
    told = ("--model", ELSEWHERE, "--commit", commit_of(data, ELSEWHERE))
    checked = command(data, "src.import_results", str(tmp_path / "lm_eval"), *told, "--dry-run")
    assert "1 of 1 result file can be taken." in checked
    assert ": imported as " in command(data, "src.import_results", str(tmp_path / "lm_eval"), *told)

    report = lighteval_report(OTHER_ENGINE, commit_of(data, OTHER_ENGINE))
    in_lightevals_folder(tmp_path / "lighteval", report)
    assert "; WARNING: it is of lighteval" in command(data, "src.import_results", str(tmp_path / "lighteval"))

    visitor = Visitor(frontend.url)
    wait_for(lambda: statuses(visitor, ELSEWHERE, OTHER_ENGINE) == {"FINISHED"}, what="both")
    [row] = [each for each in visitor.table() if each["Model"] == ELSEWHERE]
    assert row["Copying"] == pytest.approx(by_lm_eval["tiny_copy"]["exact_match,none"] * 100)
    assert row["Addition"] == pytest.approx(by_lm_eval["tiny_addition"]["acc,none"] * 100)
    [other] = [each for each in visitor.table() if each["Model"] == OTHER_ENGINE]
    assert other["Average ⬆️"] is None, "the columns show the other engine's scores"
    with urllib.request.urlopen(f"{frontend.url.rstrip('/')}/model/{ELSEWHERE}", timeout=PATIENCE) as answer:
        text = answer.read().decode()
    assert "Imported" in text
    assert "from results_" in text


def computed_elsewhere(model: Path, out: Path) -> dict[str, dict[str, float]]:
    """Evaluate a model with lm_eval's own command line; its scores."""
    arguments = [
        *("--model", "hf", "--model_args", f"pretrained={model.resolve()},dtype=float32", "--device", "cpu"),
        *("--tasks", "tiny_addition,tiny_agreement,tiny_copy", "--include_path", "tasks"),
        *("--batch_size", "16", "--output_path", str(out), "--log_samples"),
    ]
    commands = out.with_name("commands.json")
    commands.write_text(json.dumps([arguments]))
    script = ROOT / "tests" / "support" / "lm_eval_commands.py"
    subprocess.run([BACKEND_PYTHON, script, commands], cwd=ROOT / "backend", check=True, capture_output=True)
    [file] = out.rglob("results_*.json")
    results: dict[str, dict[str, float]] = json.loads(file.read_text())["results"]
    return results


def commit_of(data: Path, model: str) -> str:
    """The commit of a model in a folder, as a submission of it gets."""
    code = "import sys, pathlib; from src.shared.models.folder_models import folder_commit as commit; "
    code += "print(commit(pathlib.Path(sys.argv[1])))"
    done = subprocess.run(
        [BACKEND_PYTHON, "-c", code, data / "models" / model],
        cwd=ROOT / "backend",
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()

"""Results of two engines and of several settings, as visitors see them in the table, details and About."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from local_leaderboard import Space
from support.axe import violations
from support.leaderboard import datasets_in_a_folder
from support.pages import listening, opening

TASKS = {"tiny_addition": "acc", "tiny_agreement": "acc", "tiny_copy": "exact_match"}
COMMIT = "c" * 40
ANSWERS = {"repo": "acme/answers", "path": ".samples/acme/warm/run-1"}
INSTRUCTION = "You are <b>brief</b>."

BACKEND = f"""
engine: lm_eval
tasks:
- {{name: tiny_addition, kind: multiple_choice, file: tasks/tiny_addition.yaml}}
- {{name: tiny_agreement, kind: multiple_choice, file: tasks/tiny_agreement.yaml}}
- {{name: tiny_copy, kind: generate_until, file: tasks/tiny_copy.yaml}}
versions: {{lm_eval: 0.4.13, transformers: 5.23.0}}
settings:
  gen_kwargs: {{temperature: 0.6, do_sample: true}}
  system_instruction: "{INSTRUCTION}"
  enable_thinking: false
  max_length: 2048
"""


def by_lm_eval(model: str, **changes: Any) -> dict[str, Any]:
    """A report of lm_eval."""
    config = {
        "model": "hf",
        "model_name": model,
        "model_dtype": "float32",
        "model_sha": COMMIT,
        "device": "cpu",
    }
    return {
        "results": {
            task: {f"{metric},none": 0.5, f"{metric}_stderr,none": 0.05} for task, metric in TASKS.items()
        },
        "n-samples": {task: {"original": 100, "effective": 100} for task in TASKS},
        "config": {**config, **changes.pop("config", {})},
        "lm_eval_version": "0.4.13",
        "transformers_version": "5.23.0",
        **changes,
    }


def by_lighteval(model: str) -> dict[str, Any]:
    """A report of lighteval as our worker publishes it."""
    model_config = {"model_name": model, "revision": COMMIT, "dtype": "float32", "batch_size": 8}
    return {
        "config_general": {"model_name": model, "model_sha": COMMIT, "model_config": model_config},
        "results": {f"{task}|0": {metric: 0.75} for task, metric in TASKS.items()},
        "leaderboard": {
            "precision": "float32",
            "weight_type": "Original",
            "versions": {"lighteval": "0.13.0", "transformers": "5.23.0"},
            "tasks": {f"{task}|0": None for task in TASKS},
        },
    }


ADAPTER = {"weight_type": "Adapter", "base_model": "acme/plain", "base_commit": "b" * 40}
REPORTS = {
    "acme/plain": by_lm_eval("acme/plain"),
    "acme/usual": by_lm_eval("acme/usual"),
    "acme/warm": by_lm_eval(
        "acme/warm", config={"gen_kwargs": {"temperature": 0.6}}, leaderboard={"samples": ANSWERS}
    ),
    "acme/told": by_lm_eval("acme/told", system_instruction=INSTRUCTION),
    "acme/adapter": by_lm_eval("acme/adapter", leaderboard=ADAPTER),
    "acme/other": by_lighteval("acme/other"),
}


LONG = "long" * 50
LONG_SETTINGS = {
    **{f"a_{LONG}{number}": LONG for number in range(5)},
    **{f"further_{number}": LONG for number in range(20)},
}
LONG_REPORTS = {
    "acme/long": by_lm_eval(
        "acme/long", config={"gen_kwargs": {"until": [LONG] * 9}, "model_args": LONG_SETTINGS}
    ),
    "acme/old": {
        "config": {"model_name": "acme/old", "model_dtype": "float32", "model_sha": COMMIT},
        "results": {task: {metric: 0.25} for task, metric in TASKS.items()},
    },
}
"""A report with many long settings, and one that does not name its engine."""


@contextmanager
def mixed_board(folder: Path, **further: Any) -> Iterator[Space]:
    """A frontend on results of both engines and of several settings."""
    with datasets_in_a_folder(folder) as datasets:
        for hour, (model, report) in enumerate((REPORTS | further).items()):
            datasets.write(
                "results", f"{model}/results_2026-01-31T{10 + hour}-00-00.json", json.dumps(report)
            )
        datasets.write("results", ".leaderboard/backend.yaml", BACKEND)
        with datasets.frontend() as frontend:
            yield frontend


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    with mixed_board(tmp_path_factory.mktemp("board")) as frontend:
        yield frontend


@pytest.fixture
def page(board: Space, browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    with listening(page):
        with opening(page):
            page.goto(board.url)
        yield page
    page.close()


def open_model(page: Page, model: str) -> Any:
    """Open a model's details from the table."""
    page.locator("#leaderboard tr", has_text=model).get_by_role("link", name="details").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", level=1, name=model)).to_be_visible()
    return dialog


def test_the_table_says_which_setting_differs_and_which_engines_score_is_not_shown(page: Page) -> None:
    notes = page.locator("#marks")
    left_out = "The score of lighteval is not shown: this column has the scores of lm_eval."
    for reason in ("With gen_kwargs temperature=0.6; most others without.", left_out):
        expect(notes).to_contain_text(reason)
    row = page.locator("#leaderboard tr", has_text="acme/other")
    expect(row.locator(f'td[title="{left_out}"]')).to_have_count(len(TASKS))
    expect(row).not_to_contain_text("75.00")
    page.get_by_text("For the owner: scores that are missing or may be wrong").click()
    expect(
        page.get_by_text("The column Copying shows the scores of lm_eval. 1 score of lighteval")
    ).to_be_visible()
    assert violations(page) == []


def test_details_say_engine_settings_base_and_answers(page: Page) -> None:
    dialog = open_model(page, "acme/warm")
    expect(dialog).to_contain_text("gen_kwargs temperature=0.6")
    address = f"https://huggingface.co/datasets/acme/answers/tree/main/{ANSWERS['path']}"
    expect(dialog.get_by_role("link", name="answers")).to_have_attribute("href", address)
    assert violations(page) == []


def test_a_run_of_another_engine_is_among_the_runs(page: Page) -> None:
    dialog = open_model(page, "acme/other")
    runs = dialog.get_by_role("region", name="Runs")
    expect(runs).to_contain_text("Addition 75.00 (of lighteval, not shown in the table)")
    expect(dialog.locator("pre.command")).to_contain_text("lighteval accelerate model_name=acme/other")
    expect(dialog).to_contain_text("lighteval 0.13.0")
    assert violations(page) == []


def test_the_about_tab_says_the_engine_and_how_models_are_run(page: Page) -> None:
    page.get_by_role("tab", name="About").click()
    about = page.locator(".suite").locator("..")
    for sentence in (
        "Models write with temperature=0.6, do_sample=true.",
        "A model reads at most 2,048 tokens at once.",
    ):
        expect(about).to_contain_text(sentence)
    expect(about.locator("li pre")).to_have_text(INSTRUCTION)
    home = "https://github.com/EleutherAI/lm-evaluation-harness/tree/v0.4.13"
    expect(about.get_by_role("link", name="lm_eval 0.4.13")).to_have_attribute("href", home)
    assert violations(page) == []


def test_long_marks_do_not_scroll_the_page_of_a_dark_phone_sideways(browser: Browser, tmp_path: Path) -> None:
    width = 420
    page = browser.new_page(viewport={"width": width, "height": 900})
    with mixed_board(tmp_path, **LONG_REPORTS) as board, listening(page):
        with opening(page):
            page.goto(f"{board.url}?__theme=dark")
        notes = page.locator("#marks")
        expect(notes).to_contain_text("longlong")
        expect(notes).to_contain_text("With other settings")
        page.get_by_text("For the owner: scores that are missing or may be wrong").click()
        expect(page.get_by_text("Some results do not name their engine.")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert notes.evaluate("marks => marks.scrollWidth <= marks.clientWidth")
        assert violations(page) == []
        row = page.locator("#leaderboard tbody tr", has_text="acme/long")
        row.locator("td", has_text="50.00").first.click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("longlong")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        mark = dialog.locator("tr.quiet td", has_text="longlong").first
        assert mark.evaluate("cell => cell.offsetWidth") < 2 * width  # no wider than the scores above it
        assert dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
        assert violations(page) == []
    page.close()

"""One model, several models and tasks, as visitors look at them: by mouse and keyboard, in both themes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from math import sqrt
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from local_leaderboard import Space
from support.axe import violations
from support.leaderboard import Datasets
from support.pages import listening, opening, rows

QUESTIONS = 1000
HOSTILE = "evil/<img src=x onerror=alert(1)>"
MODELS: dict[str, list[tuple[str, tuple[float, float, float]]]] = {
    "acme/best": [("2026-01-01", (0.9, 0.9, 0.9))],
    "acme/close": [("2026-01-02", (0.9, 0.89, 0.9))],
    "acme/far": [("2026-01-03", (0.4, 0.95, 0.3))],
    "acme/changed": [("2026-01-04", (0.2, 0.2, 0.2)), ("2026-02-04", (0.25, 0.2, 0.2))],
    HOSTILE: [("2026-01-05", (0.1, 0.1, 0.1))],
}
"""The days of their runs, with the scores of Addition, Agreement and Copying."""


def report(model: str, day: str, scores: tuple[float, float, float]) -> dict[str, Any]:
    """A report as lm_eval writes it."""
    metrics = {"tiny_addition": "acc", "tiny_agreement": "acc", "tiny_copy": "exact_match"}
    return {
        "results": {
            task: {
                f"{metric},none": score,
                f"{metric}_stderr,none": sqrt(score * (1 - score) / (QUESTIONS - 1)),
            }
            for (task, metric), score in zip(metrics.items(), scores, strict=True)
        },
        "n-samples": {task: {"original": QUESTIONS, "effective": QUESTIONS} for task in metrics},
        "n-shot": dict.fromkeys(metrics, 0),
        "versions": dict.fromkeys(metrics, 1.0),
        "config": {
            "model": "hf",
            "model_name": model,
            "model_dtype": "float16",
            "model_sha": "c" * 40,
            "batch_size": "8",
            "device": "cpu",
            "random_seed": 0,
            "numpy_seed": 1234,
            "torch_seed": 1234,
            "fewshot_seed": 1234,
        },
        "lm_eval_version": "0.4.13",
        "transformers_version": "5.23.0",
    }


@pytest.fixture(scope="module")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """A frontend on these models."""
    datasets = Datasets(tmp_path_factory.mktemp("details"))
    for number, (model, runs) in enumerate(MODELS.items()):
        for day, scores in runs:
            path = f"results/of-{number}/results_{day}T00-00-00.000000.json"
            datasets.write("results", path, json.dumps(report(model, day, scores)))
        if model != HOSTILE:
            datasets.write_request(model, status="FINISHED", params=1.0 + number)
    with datasets.frontend() as frontend:
        yield frontend


def first_row(page: Page) -> Locator:
    """The first row of the table."""
    return page.locator("#leaderboard svelte-virtual-table-viewport tbody tr").first


class Visitor:
    """Somebody who looks at the page, and whose clicks are counted. What is typed costs none."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0
        self.dialog = page.locator("#details")

    def click(self, *wanted: Locator) -> None:
        for each in wanted:
            each.click()
            self.clicks += 1

    def row(self, model: str) -> Locator:
        """A cell of a model's row, in the table."""
        line = self.page.locator("#leaderboard svelte-virtual-table-viewport tbody tr").filter(
            has=self.page.get_by_text(model, exact=True)
        )
        return line.locator("td").nth(3)

    def heading(self, name: str) -> None:
        """Wait for a page in the dialog."""
        expect(self.dialog.get_by_role("heading", name=name, level=1)).to_be_focused()


EITHER = [(1400, "light"), (390, "dark")]
OR = [
    pytest.param((1400, "dark"), marks=pytest.mark.slow),
    pytest.param((390, "light"), marks=pytest.mark.slow),
]


@pytest.fixture(params=[*EITHER, *OR], ids=str)
def visitor(browser: Browser, frontend: Space, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """Somebody at a desk, and somebody with a phone."""
    width, theme = request.param
    page = browser.new_page(viewport={"width": width, "height": 900})
    with listening(page):
        with opening(page):
            page.goto(f"{frontend.url}?__theme={theme}")
        expect(page.locator("#leaderboard").get_by_text("acme/best").first).to_be_visible()
        yield Visitor(page)
    page.close()


def test_is_a_better_than_b(visitor: Visitor) -> None:
    visitor.click(visitor.row("acme/best"))
    visitor.heading("acme/best")
    visitor.click(visitor.dialog.get_by_role("link", name="Compare with acme/close"))
    visitor.heading("Compare models")
    expect(visitor.dialog).to_contain_text("acme/close and acme/best do not differ significantly: −0.33")
    assert visitor.clicks == 2
    assert violations(visitor.page) == []
    expect(visitor.page).to_have_url(re.compile(r"compare=acme%2Fbest&compare=acme%2Fclose$"))


def test_three_are_compared(visitor: Visitor) -> None:
    visitor.click(visitor.page.get_by_role("button", name="Compare", exact=False).first)
    visitor.click(*map(visitor.row, ("acme/best", "acme/far", "acme/changed")))
    visitor.click(visitor.page.get_by_role("button", name="Compare 3"))
    visitor.heading("Compare models")
    assert visitor.clicks == 5
    expect(visitor.dialog).to_contain_text("acme/far is significantly worse than acme/best")
    expect(visitor.dialog).to_contain_text("Tasks: 1 significantly better, 2 significantly worse")
    expect(visitor.dialog.locator("polygon.side")).to_have_count(3)
    expect(visitor.dialog.get_by_role("heading", name="Settings that differ")).to_be_visible()
    assert violations(visitor.page) == []


def test_a_score_is_reproduced(visitor: Visitor) -> None:
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.click(visitor.row("acme/far"))
    visitor.heading("acme/far")
    visitor.click(visitor.dialog.get_by_role("button", name="Copy"))
    expect(visitor.dialog.get_by_role("button", name="Copied")).to_be_visible()
    assert visitor.clicks == 2
    command = visitor.page.evaluate("navigator.clipboard.readText()")
    assert "lm_eval --model hf" in command
    assert f"pretrained=acme/far,revision={'c' * 40}" in command


def test_what_changed_for_a_model(visitor: Visitor) -> None:
    visitor.click(visitor.row("acme/changed"))
    visitor.heading("acme/changed")
    runs = visitor.dialog.get_by_role("region", name="Runs")
    expect(runs.locator("tbody tr")).to_have_count(2)
    expect(runs.locator("tbody tr").first).to_contain_text("Addition 25.00 (+5.00), Agreement 20.00 (same)")
    expect(visitor.dialog.locator("svg.timeline")).to_be_visible()
    assert visitor.clicks == 1
    assert violations(visitor.page) == []


def test_score_against_size(visitor: Visitor) -> None:
    page = visitor.page
    visitor.click(page.get_by_role("tab", name="Charts"))
    expect(page.locator("#chart .js-plotly-plot .point").first).to_be_attached()
    expect(page.locator("#chart-told [role=status]")).to_contain_text("the best is acme/best with 90.00")
    assert visitor.clicks == 1
    visitor.click(page.get_by_text("The numbers as a table"))
    visitor.click(page.locator("#chart-told").get_by_role("link", name="acme/far"))
    visitor.heading("acme/far")
    assert visitor.clicks == 3


def test_what_a_task_is(visitor: Visitor) -> None:
    visitor.click(visitor.row("acme/best"))
    visitor.heading("acme/best")
    visitor.click(visitor.dialog.get_by_role("link", name="Agreement"))
    visitor.heading("Agreement")
    expect(visitor.dialog.locator("svg.histogram rect")).to_have_count(20)
    expect(visitor.dialog.get_by_role("region", name="The best models", exact=True)).to_contain_text(
        "acme/far"
    )
    assert violations(visitor.page) == []


def test_back_leads_through_the_dialog_and_a_link_opens_it_again(visitor: Visitor, browser: Browser) -> None:
    page = visitor.page
    visitor.click(visitor.row("acme/best"))
    visitor.heading("acme/best")
    visitor.click(visitor.dialog.get_by_role("link", name="acme/close", exact=True))
    visitor.heading("acme/close")
    expect(page).to_have_url(re.compile(r"model=acme%2Fclose$"))
    other = browser.new_page()
    other.goto(page.url)
    Visitor(other).heading("acme/close")
    other.close()
    visitor.click(visitor.dialog.get_by_role("button", name="Back"))
    visitor.heading("acme/best")
    page.go_back()
    expect(visitor.dialog).to_be_hidden()
    page.go_forward()
    visitor.heading("acme/best")
    visitor.click(visitor.dialog.get_by_role("button", name="Close"))
    expect(visitor.dialog).to_be_hidden()
    expect(page).not_to_have_url(re.compile("model="))


def test_a_model_is_added_by_a_part_of_its_name(visitor: Visitor) -> None:
    visitor.click(visitor.row("acme/best"))
    visitor.heading("acme/best")
    visitor.click(visitor.dialog.get_by_role("link", name="Compare with …"))
    visitor.heading("Compare models")
    visitor.dialog.get_by_role("searchbox").fill("chang")
    visitor.page.keyboard.press("Enter")
    expect(visitor.dialog).to_contain_text("acme/changed is significantly worse than acme/best")
    expect(visitor.page).to_have_url(re.compile(r"compare=acme%2Fbest&compare=acme%2Fchanged$"))
    visitor.dialog.get_by_role("searchbox").fill("nobody")
    visitor.page.keyboard.press("Enter")
    expect(visitor.dialog).to_contain_text("No other model is called “nobody”.")


def test_all_of_it_by_keyboard(browser: Browser, frontend: Space) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    with listening(page):
        with opening(page):
            page.goto(frontend.url)
        visitor = Visitor(page)
        visitor.row("acme/best").focus()
        page.keyboard.press("Enter")
        visitor.heading("acme/best")
        page.keyboard.press("Tab")
        expect(visitor.dialog.get_by_role("link", name="Compare with …")).to_be_focused()
        page.keyboard.press("Escape")
        expect(visitor.dialog).to_be_hidden()
        expect(visitor.row("acme/best")).to_be_focused()
        page.get_by_role("button", name="Compare").focus()
        page.keyboard.press("Enter")
        for model in ("acme/best", "acme/close"):
            visitor.row(model).focus()
            page.keyboard.press("Enter")
        page.get_by_role("button", name="Compare 2").press("Enter")
        visitor.heading("Compare models")
    page.close()


def test_a_hostile_name_is_a_name_everywhere(visitor: Visitor) -> None:
    page = visitor.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    visitor.row("acme/best").click()
    visitor.heading("acme/best")
    visitor.dialog.get_by_role("button", name="Close").click()
    page.locator("#leaderboard svelte-virtual-table-viewport td").filter(has_text="evil/").first.click()
    visitor.heading(HOSTILE)
    assert page.locator("#details img").count() == 0
    visitor.dialog.get_by_role("link", name="Compare with acme/changed").click()
    visitor.heading("Compare models")
    expect(visitor.dialog).to_contain_text(HOSTILE)
    visitor.dialog.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Compare", exact=False).first.click()
    page.locator("#leaderboard svelte-virtual-table-viewport td").filter(has_text="evil/").first.click()
    expect(page.locator("#compare-tray")).to_contain_text(HOSTILE)
    assert page.locator("#compare-tray img").count() == 0
    assert not [url for url in asked if url.endswith("/x")]


def test_ranks_as_ranges_and_weights_of_ones_own(visitor: Visitor, browser: Browser) -> None:
    page = visitor.page
    page.get_by_label("Ranks as ranges").check()
    expect(first_row(page)).to_contain_text("1 (1–2)")
    page.get_by_role("button", name="More filters, and columns").click()
    page.get_by_role("button", name="Weights of your own").click()
    for task in ("Addition", "Copying"):
        page.get_by_label(task, exact=True).locator("visible=true").and_(page.locator("[type=number]")).fill(
            "0"
        )
    page.keyboard.press("Tab")
    expect(page.get_by_text("Your weights: Addition × 0, Copying × 0")).to_be_visible()
    expect(first_row(page)).to_contain_text("acme/far")
    expect(page).to_have_url(re.compile(r"ranks=ranges&weight=Addition%3A0&weight=Copying%3A0"))
    other = browser.new_page(viewport=page.viewport_size)
    with opening(other):
        other.goto(page.url)
    expect(first_row(other)).to_contain_text("acme/far")
    assert rows(other) == rows(page)
    elsewhere = Visitor(other)
    elsewhere.row("acme/far").click()
    elsewhere.heading("acme/far")
    expect(elsewhere.dialog).to_contain_text("The average has your weights: Addition × 0, Copying × 0.")
    expect(elsewhere.dialog).to_contain_text("Rank 1")
    other.close()
    page.get_by_text("Your weights: Addition × 0, Copying × 0").click()
    expect(first_row(page)).to_contain_text("acme/best")


def test_without_a_server_the_dialog_says_so_and_tries_again(visitor: Visitor) -> None:
    page = visitor.page
    page.route("**/model?**", lambda route: route.abort())
    visitor.click(visitor.row("acme/best"))
    expect(visitor.dialog).to_contain_text("The details could not be loaded.")
    page.unroute("**/model?**")
    visitor.click(visitor.dialog.get_by_role("button", name="Try again"))
    visitor.heading("acme/best")


def test_the_about_tab_leads_to_a_task(visitor: Visitor) -> None:
    visitor.click(visitor.page.get_by_role("tab", name="About"))
    visitor.click(visitor.page.get_by_role("link", name="Agreement", exact=True))
    visitor.heading("Agreement")
    assert visitor.clicks == 2
    expect(visitor.page).to_have_url(re.compile(r"tab=about&.*task=Agreement"))


def test_a_double_press_opens_and_the_end_of_a_selection_does_not_close(
    browser: Browser, frontend: Space
) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    with opening(page):
        page.goto(frontend.url)
    visitor = Visitor(page)
    page.locator("#leaderboard svelte-virtual-table-viewport tbody tr").first.locator("td").first.dblclick()
    visitor.heading("acme/best")
    page.mouse.move(100, 450)
    page.mouse.down(click_count=2)  # a slow double press: its second comes when all is there
    page.mouse.up(click_count=2)
    visitor.heading("acme/best")
    heading = visitor.dialog.get_by_role("heading", level=1)
    box = heading.bounding_box()
    assert box
    page.mouse.move(box["x"] + 40, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(100, box["y"])
    page.mouse.up()
    expect(visitor.dialog).to_be_visible()
    page.mouse.click(100, 450)
    expect(visitor.dialog).to_be_hidden()
    page.close()


def test_after_the_dialog_back_leads_to_what_was_before(browser: Browser, frontend: Space) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    with opening(page):
        page.goto(frontend.url)
    visitor = Visitor(page)
    before = page.evaluate("history.length")
    for model in ("acme/best", "acme/far"):
        visitor.row(model).click()
        visitor.heading(model)
        visitor.dialog.get_by_role("link", name="Agreement").click()
        visitor.heading("Agreement")
        page.keyboard.press("Escape")
        expect(visitor.dialog).to_be_hidden()
        expect(page).not_to_have_url(re.compile("model=|task="))
    visitor.row("acme/close").click()
    visitor.heading("acme/close")
    assert page.evaluate("history.length") == before + 1
    page.close()


def test_a_press_with_a_modifier_is_the_browsers(browser: Browser, frontend: Space) -> None:
    page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    with opening(page):
        page.goto(frontend.url)
    with page.context.expect_page() as opened:
        page.locator("#leaderboard svelte-virtual-table-viewport").get_by_role(
            "link", name="details"
        ).first.click(modifiers=["Control"])
    Visitor(opened.value).heading("acme/best")
    expect(page.locator("#details")).to_be_hidden()
    page.context.close()


def test_whoever_takes_a_model_out_by_keyboard_stays_in_the_tray(browser: Browser, frontend: Space) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    with opening(page):
        page.goto(frontend.url)
    visitor = Visitor(page)
    page.get_by_role("button", name="Compare", exact=False).first.click()
    for model in ("acme/best", "acme/far"):
        visitor.row(model).click()
    page.get_by_role("button", name="Remove acme/best").press("Enter")
    expect(page.get_by_role("button", name="Remove acme/far")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#compare-models")).to_be_focused()
    page.close()

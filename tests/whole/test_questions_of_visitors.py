"""The questions that visitors come with, each answered in a few clicks. What is typed costs none."""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from local_leaderboard import ROOT, Space, running
from support.leaderboard import Datasets
from support.pages import listening, opening, rows

GROUPED = str(ROOT / "tests" / "support" / "grouped_app.py")
TODAY = datetime.now(UTC)

MODELS: dict[str, dict[str, Any]] = {
    "acme/huge": {"params": 70.0, "license": "apache-2.0", "scores": (0.99, 0.5, 0.99)},
    "acme/closed": {"params": 7.0, "license": "cc-by-nc-4.0", "scores": (0.95, 0.9, 0.95)},
    "acme/thinker": {"params": 7.5, "license": "apache-2.0", "scores": (0.8, 0.1, 0.9)},
    "acme/allround": {"params": 3.0, "license": "mit", "scores": (0.7, 0.9, 0.8)},
    "acme/fresh": {"params": 1.0, "license": "mit", "scores": (0.2, 0.3, 0.1), "age": 2},
}
"""With their scores of Addition, Agreement and Copying; the first and the last are the group "Reasoning"."""


@dataclass
class Visitor:
    """Somebody who looks at the page, and whose clicks are counted."""

    page: Page
    clicks: int = 0

    def click(self, *wanted: Locator) -> None:
        for each in wanted:
            each.click()
            self.clicks += 1

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name)

    def header(self, name: str) -> Locator:
        return self.page.locator("#leaderboard svelte-virtual-table-viewport thead th").filter(has_text=name)

    def expect_models(self, *names: str) -> None:
        expect(self.page.locator("#leaderboard svelte-virtual-table-viewport tbody tr")).to_have_count(
            len(names)
        )
        expect(self.page.locator("#leaderboard svelte-virtual-table-viewport tbody")).to_have_text(
            re.compile(".*".join(map(re.escape, names)), re.DOTALL)
        )


@pytest.fixture(scope="module")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """A frontend on these models, of an owner who named a group of tasks."""
    datasets = Datasets(tmp_path_factory.mktemp("questions"))
    for model, facts in MODELS.items():
        ended = TODAY - timedelta(days=facts.get("age", 100))
        addition, agreement, copying = facts["scores"]
        result = {
            "config": {"model_name": model, "model_dtype": "float16", "model_sha": "c" * 40},
            "results": {
                "tiny_addition": {"acc,none": addition},
                "tiny_agreement": {"acc,none": agreement},
                "tiny_copy": {"exact_match,none": copying},
            },
        }
        datasets.write_request(model, status="FINISHED", params=facts["params"], license=facts["license"])
        name = f"{model}/results_{ended:%Y-%m-%dT%H-%M-%S.%f}.json"
        datasets.write("results", name, json.dumps(result))
    with running(
        datasets.folder, ("frontend",), program=GROUPED, PYTHONPATH=str(ROOT / "frontend")
    ) as spaces:
        yield spaces["frontend"]


@pytest.fixture(params=[1400, 390])
def visitor(browser: Browser, frontend: Space, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """Somebody at a desk, and somebody with a phone."""
    page = browser.new_page(viewport={"width": request.param, "height": 900})
    with listening(page):
        with opening(page):
            page.goto(frontend.url)
        expect(page.locator("#leaderboard").get_by_text("acme/allround").first).to_be_visible()
        yield Visitor(page)
    page.close()


def test_the_best_open_model_under_8b_on_a_group_of_tasks(visitor: Visitor) -> None:
    page = visitor.page
    visitor.click(page.locator("#filter-license input"), page.get_by_role("option", name="Open licences"))
    page.keyboard.press("Escape")
    sizes = page.locator("#filter-sizes")
    visitor.click(sizes.get_by_label("≤ 3 B"), sizes.get_by_label("3–8 B"))
    # A visitor looks before pressing what a new view may move from under the pointer.
    visitor.expect_models("acme/allround", "acme/thinker", "acme/fresh")
    visitor.click(visitor.header("Reasoning"))
    visitor.expect_models("acme/thinker", "acme/allround", "acme/fresh")
    assert "#3 85.00" in rows(page)[0]  # two that are closed or larger are better
    assert visitor.clicks == 5


def test_what_is_new_since_a_day(visitor: Visitor) -> None:
    page = visitor.page
    line = page.locator("#leaderboard svelte-virtual-table-viewport tbody tr").filter(has_text="acme/fresh")
    expect(line).to_contain_text("new")
    visitor.click(visitor.button("More filters, and columns"), page.get_by_label("Evaluated since"))
    visitor.click(page.get_by_role("option", name="The last 30 days"))
    visitor.expect_models("acme/fresh")
    page.get_by_label("Evaluated since").fill((TODAY - timedelta(days=200)).date().isoformat())
    page.keyboard.press("Enter")
    expect(page.locator("#leaderboard svelte-virtual-table-viewport tbody tr")).to_have_count(len(MODELS))
    assert visitor.clicks == 3


def test_the_place_of_a_model_on_one_task(visitor: Visitor) -> None:
    visitor.page.get_by_role("textbox", name="Search").fill("thinker")
    visitor.expect_models("acme/thinker")
    visitor.click(visitor.header("Addition"))
    expect(visitor.page.locator("#leaderboard svelte-virtual-table-viewport tbody")).to_contain_text(
        "#3 80.00"
    )
    assert visitor.clicks == 1


def test_a_view_is_sent_to_somebody_else(visitor: Visitor, browser: Browser) -> None:
    page = visitor.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("textbox", name="Search").fill("fresh; thinker")
    visitor.expect_models("acme/thinker", "acme/fresh")
    visitor.click(visitor.button("Copy link"))
    expect(visitor.button("Copied")).to_be_visible()
    assert visitor.clicks == 1
    other = browser.new_page()
    with opening(other):
        other.goto(page.evaluate("navigator.clipboard.readText()"))
    Visitor(other).expect_models("acme/thinker", "acme/fresh")
    other.close()


@pytest.mark.slow
def test_a_hundred_links_open_in_another_browser_what_they_were_copied_from(
    browser: Browser, frontend: Space
) -> None:
    chance = random.Random(16)
    one, other = (browser.new_context().new_page() for _ in range(2))

    def some(*values: str) -> str:
        return chance.choice(["", *values])

    for _ in range(100):
        choices = {
            "q": some("acme", "fresh; thinker", "all open", "ünï & more"),
            "license": some("open", "not open", "mit"),
            "sizes": some("0-3", "3-8", "30-"),
            "size": some("..8", "2..", "1..70"),
            "since": some("2020-01-01", TODAY.date().isoformat()),
            "without": some("nothing", "incomplete", "flagged"),
            "sort": some("Addition", "Reasoning", "Model", "#Params (B)"),
            "worst_first": some("yes"),
            "show": some("Hub License", "Evaluated"),
            "hide": some("Copying", "Precision"),
            "rows": some("all"),
            "unknown_to_us": some("x"),
        }
        given = urlencode([pair for pair in choices.items() if pair[1]])
        first, rows_there = what_is_shown(one, f"{frontend.url}?{given}")
        second, rows_elsewhere = what_is_shown(other, first)
        assert (second, rows_elsewhere) == (first, rows_there), given
    for page in (one, other):
        page.context.close()


def what_is_shown(page: Page, url: str) -> tuple[str, list[str]]:
    """Open an address; return what the page makes of it, and the rows."""
    with opening(page):
        page.goto(url)
    expect(page.locator("#view [data-query]")).to_be_attached()
    expect(page.locator("#leaderboard th[aria-sort]").first).to_be_attached()
    page.wait_for_timeout(100)
    return page.url, rows(page)


def test_what_is_shown_comes_as_a_file_for_a_spreadsheet(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("textbox", name="Search").fill("fresh; thinker")
    visitor.expect_models("acme/thinker", "acme/fresh")
    with page.expect_download() as download:
        visitor.click(page.get_by_role("link", name="CSV"))
    with download.value.path().open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file, quoting=csv.QUOTE_NONNUMERIC))
    assert [(line["Model"], line["Addition"]) for line in lines] == [("acme/thinker", 80), ("acme/fresh", 20)]
    assert visitor.clicks == 1


def test_a_view_is_embedded_in_another_page(visitor: Visitor, browser: Browser) -> None:
    page = visitor.page
    page.get_by_role("textbox", name="Search").fill("thinker")
    visitor.expect_models("acme/thinker")
    with page.context.expect_page() as opened:
        visitor.click(page.get_by_role("link", name="plain table"))
    plain = opened.value
    plain.get_by_role("link", name="Only the table, to embed it").click()
    expect(plain).to_have_url(re.compile("embed=1"))
    host = browser.new_page()
    host.set_content(f'<iframe src="{plain.url}" title="Leaderboard"></iframe>')
    frame = host.frame_locator("iframe")
    expect(frame.get_by_role("link", name="acme/thinker", exact=True)).to_be_visible()
    expect(frame.get_by_text("acme/huge")).to_have_count(0)
    assert visitor.clicks + 1 == 2
    plain.close()
    host.close()

"""A visitor's own scoring in a real browser: weights, normalised scores, ranks as ranges."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from local_leaderboard import Space
from support.leaderboard import datasets_in_a_folder
from support.pages import listening, opening

MODELS = {"acme/adds": (0.9, 0.3), "acme/agrees": (0.3, 0.8), "acme/alike": (0.3, 0.79)}


@pytest.fixture(scope="module")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """A frontend on models that are better at one of two tasks."""
    with datasets_in_a_folder(tmp_path_factory.mktemp("scoring")) as datasets:
        for model, (addition, agreement) in MODELS.items():
            scores = {"tiny_addition": addition, "tiny_agreement": agreement, "tiny_copy": 0.5}
            metrics = {"tiny_copy": "exact_match"}
            result = {
                "config": {"model_name": model, "model_dtype": "float16", "model_sha": "c" * 40},
                "results": {
                    task: {f"{name},none": score, f"{name}_stderr,none": 0.02}
                    for task, score in scores.items()
                    for name in [metrics.get(task, "acc")]
                },
            }
            datasets.write("results", f"{model}/results_2026-01-31T12-00-00.000000.json", json.dumps(result))
        with datasets.frontend(REFRESH_RATE="0.5") as frontend:
            yield frontend


@pytest.fixture
def page(browser: Browser, frontend: Space) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    with listening(page):
        open_at(page, frontend.url)
        yield page
    page.close()


def open_at(page: Page, address: str) -> None:
    with opening(page):
        page.goto(address)
    expect(best(page)).to_be_visible()


def best(page: Page) -> Locator:
    """The first line of the table."""
    return page.locator("#leaderboard svelte-virtual-table-viewport table tbody tr").first


def weight(page: Page, column: str) -> Locator:
    return page.locator("#own-weights").get_by_label(column)


def open_weights(page: Page) -> None:
    page.get_by_role("button", name="More filters, and columns").click()
    page.get_by_role("button", name="Weights of your own").click()
    expect(weight(page, "Addition")).to_be_visible()


def test_own_weights_change_the_order_and_go_with_the_link(page: Page) -> None:
    expect(best(page)).to_contain_text("acme/adds")
    open_weights(page)
    weight(page, "Addition").fill("0")
    weight(page, "Addition").press("Tab")
    expect(best(page)).to_contain_text("acme/agrees")
    expect(page.locator("#notes")).to_contain_text("other weights than the leaderboard's: Addition × 0.")
    expect(page).to_have_url(re.compile("weight=Addition%3A0"))
    open_at(page, page.url)
    expect(best(page)).to_contain_text("acme/agrees")
    open_weights(page)
    expect(weight(page, "Addition")).to_have_value("0")
    page.get_by_role("button", name="Your weights: Addition × 0").click()
    expect(best(page)).to_contain_text("acme/adds")
    expect(weight(page, "Addition")).to_have_value("")


def test_ranks_become_ranges(page: Page) -> None:
    page.get_by_label("Ranks as ranges").check()
    expect(page.locator("#leaderboard").get_by_text("2 (2–3)").first).to_be_visible()
    expect(page.locator("#notes")).to_contain_text(
        "means second, and the errors of the scores allow any rank from 1 to 4"
    )
    expect(page).to_have_url(re.compile("ranks=ranges"))

"""A page whose server goes away says so, keeps its table, and catches up once the server is back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from local_leaderboard import ENVIRONMENTS, Space, free_port, start, stop, wait_until_open
from support.leaderboard import Datasets, datasets_in_a_folder
from support.pages import opening, rows
from support.waiting import PATIENCE_IN_MS

AWAY = "The leaderboard's server does not answer."
BACK = "The leaderboard's server answers again."


@pytest.fixture
def datasets(tmp_path: Path) -> Iterator[Datasets]:
    with datasets_in_a_folder(tmp_path) as datasets:
        for place in range(3):
            write(datasets, f"acme/model-{place}", 0.5)
        yield datasets


def write(datasets: Datasets, model: str, score: float) -> None:
    scores = {
        "tiny_addition": {"acc,none": score},
        "tiny_agreement": {"acc,none": score},
        "tiny_copy": {"exact_match,none": score},
    }
    config = {"model_name": model, "model_dtype": "float16", "model_sha": "c" * 40}
    text = json.dumps({"config": config, "results": scores})
    datasets.write("results", f"{model}/results_2026-01-31T12-00-00.000000.json", text)


def started(datasets: Datasets, port: int) -> Space:
    settings = {"HF_HUB_OFFLINE": "1", "REFRESH_RATE": "0.5"}
    space = start("frontend", datasets.folder, ENVIRONMENTS / "frontend", port, settings)
    wait_until_open(space)
    return space


@pytest.fixture
def server(datasets: Datasets) -> Iterator[list[Space]]:
    """The server that runs now, in a list, so that a test can put another one in its place."""
    running = [started(datasets, free_port(0))]
    yield running
    stop(running[0])


@pytest.fixture
def page(browser: Browser, server: list[Space]) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    with opening(page):
        page.goto(server[0].url)
    expect(table(page)).to_contain_text("acme/model-0")
    page.evaluate(LISTEN)
    yield page
    page.close()


def table(page: Page) -> Locator:
    return page.locator("#leaderboard svelte-virtual-table-viewport table tbody")


def note(page: Page) -> Locator:
    return page.locator("#connection")


LISTEN = """() => {
    window.said = []
    const note = document.querySelector("#connection")
    new MutationObserver(() => said.push(note.textContent)).observe(note, {childList: true})
}"""


def expect_said(page: Page, text: str) -> None:
    """Wait until the note has said this. A moment later it says nothing any more."""
    page.wait_for_function("text => said.includes(text)", arg=text, timeout=PATIENCE_IN_MS)


def test_a_server_that_restarts_is_missed_and_caught_up_with(
    page: Page, server: list[Space], datasets: Datasets
) -> None:
    stop(server[0])
    expect(note(page)).to_contain_text(AWAY)
    expect(page.locator(".toast-body").locator("visible=true")).to_have_count(0)
    assert len(rows(page)) == 3
    page.get_by_role("tab", name="Submit here!").click()
    page.get_by_label("Model name").fill("acme/typed")
    page.get_by_role("tab", name="LLM Benchmark").click()
    page.get_by_role("textbox", name="Search").fill("new")
    write(datasets, "acme/new", 0.9)
    server[0] = started(datasets, int(server[0].url.rpartition(":")[2]))
    expect_said(page, BACK)
    expect(table(page)).to_contain_text("acme/new")
    expect(table(page)).not_to_contain_text("acme/model-0")
    expect(note(page)).to_be_empty()
    expect(page.get_by_role("button", name="· Show")).to_have_count(0)
    page.get_by_role("tab", name="Submit here!").click()
    expect(page.get_by_label("Model name")).to_have_value("acme/typed")


def test_a_proxy_that_answers_for_the_server_counts_as_nobody(page: Page) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=503, content_type="text/html", body="<h1>The Space is restarting</h1>")

    page.route("**/gradio_api/**", refuse)
    expect(note(page)).to_contain_text(AWAY)
    page.unroute("**/gradio_api/**", refuse)
    expect_said(page, BACK)
    expect(note(page)).to_be_empty()
    expect(table(page)).to_contain_text("acme/model-0")


def test_an_error_of_a_server_that_answers_is_shown_as_it_is(page: Page) -> None:
    def fail(route: Route) -> None:
        route.fulfill(status=500, json={"error": "This does not work."})

    page.route("**/gradio_api/run/predict*", fail)
    expect(page.locator(".toast-body").locator("visible=true").first).to_be_visible()
    expect(note(page)).to_be_empty()

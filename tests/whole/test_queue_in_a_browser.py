"""The queue in a real browser: where a reader is in it stays while requests change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from local_leaderboard import Space
from support.leaderboard import Datasets, datasets_on_a_hub, with_a_login
from support.pages import events_held, listening, opening, sign_in

RUNS = "acme/runs_eval_request_False_float16_Original.json"


def write(datasets: Datasets, model: str, status: str, **fields: Any) -> None:
    """A request, as the other side writes it."""
    datasets.write_request(model, status=status, submitted_time="2026-01-31T12:00:00Z", **fields)


def write_running(datasets: Datasets, done: int) -> None:
    """The request that runs, at its second attempt."""
    crashed = {
        "attempt": 1,
        "started": "2026-01-31T12:00:00Z",
        "worker": "w",
        "ended": "2026-01-31T12:10:00Z",
        "end": "crashed",
        "message": "It ran out of memory.",
    }
    lease = {
        "worker": "w",
        "nonce": "n",
        "started": "2026-01-31T12:10:00Z",
        "renewed": "2026-01-31T12:20:00Z",
        "until": "2126-01-31T12:30:00Z",
    }
    progress = {"task": "tiny_copy", "done": done, "total": 100}
    write(
        datasets,
        "acme/runs",
        "RUNNING",
        submitted_by="bob",
        history=[crashed],
        lease=lease,
        progress=progress,
    )


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Datasets]:
    """Many requests that wait, and one that runs."""
    with datasets_on_a_hub(tmp_path_factory.mktemp("queue")) as datasets:
        write_running(datasets, 11)
        for number in range(20):
            for precision in ("bfloat16", "float16"):
                write(datasets, f"acme/waits-{number}", "PENDING", precision=precision)
        yield datasets


@pytest.fixture(scope="module")
def frontend(datasets: Datasets) -> Iterator[Space]:
    """A frontend where people sign in."""
    assert datasets.hub
    datasets.hub.do("add_user", name="bob")
    with datasets.frontend(REFRESH_RATE="0.5", **with_a_login(datasets.hub)) as frontend:
        yield frontend


@pytest.fixture
def page(browser: Browser, frontend: Space) -> Iterator[Page]:
    """The Submit tab, with the request opened that runs."""
    with browser.new_context() as context:
        page = context.new_page()
        with listening(page):
            with opening(page):
                page.goto(f"{frontend.url}?request={RUNS}")
            expect(page.locator("#request")).to_contain_text("acme/runs")
            yield page


@dataclass
class Changes:
    """Changes of the request that runs, by its worker; each is waited for until the page shows it."""

    page: Page
    datasets: Datasets
    done: int = 11

    def __call__(self) -> None:
        self.done += 1
        write_running(self.datasets, self.done)
        expect(self.page.locator("#request")).to_contain_text(f"{self.done} %")


@pytest.fixture
def change(page: Page, datasets: Datasets) -> Changes:
    return Changes(page, datasets)


def scrolled(table: Locator) -> int:
    top: int = table.evaluate("element => element.scrollTop")
    return top


@pytest.mark.slow
def test_what_is_opened_scrolled_to_and_focused_stays_while_requests_change(
    page: Page, datasets: Datasets, change: Changes
) -> None:
    card, waiting = page.locator("#request"), page.locator("#queue-pending")
    card.locator("summary").click()
    table = waiting.locator(".queue")
    table.evaluate("element => { element.scrollTop = 123 }")
    of_the_same_model = waiting.get_by_role("link", name="acme/waits-7", exact=True)
    for number, focused in enumerate(
        (
            of_the_same_model.first,
            of_the_same_model.last,
            card.locator("summary"),
        )
    ):
        focused.focus()  # which may scroll there
        top = scrolled(table)
        write(datasets, f"other/new-{number}", "PENDING")
        change()
        expect(waiting).to_contain_text(f"other/new-{number}")
        expect(focused).to_be_focused()
        expect(card.locator("details")).to_have_attribute("open", "")
        assert scrolled(table) == top > 0

    card.locator("summary").click()
    card.locator("header").click()
    change()
    expect(card.locator("details")).not_to_have_attribute("open", "")
    expect(card.locator("summary")).not_to_be_focused()


def test_a_table_that_is_not_shown_keeps_how_far_it_was_scrolled(page: Page, datasets: Datasets) -> None:
    table = page.locator("#queue-pending .queue")
    table.evaluate("element => { element.scrollTop = 123 }")
    page.get_by_role("tab", name="LLM Benchmark").click()
    expect(table).to_be_hidden()
    write(datasets, "other/meanwhile", "PENDING")
    expect(table).to_contain_text("other/meanwhile")
    page.get_by_role("tab", name="Submit here!").click()
    expect(table).to_be_visible()
    page.wait_for_function("() => document.querySelector('#queue-pending .queue').scrollTop === 123")


def test_the_focus_is_not_taken_from_the_page_around_a_space(
    browser: Browser, frontend: Space, datasets: Datasets
) -> None:
    address = f"{frontend.url}?request={RUNS}"
    with browser.new_context() as context:
        page = context.new_page()
        page.set_content(f'<input><iframe src="{address}" width="1200" height="900"></iframe>')
        card = page.frame_locator("iframe").locator("#request")
        card.locator("summary").click()
        page.locator("input").click()
        page.keyboard.type("abc")
        write_running(datasets, 66)
        expect(card).to_contain_text("66 %")
        page.keyboard.type("def")
        expect(page.locator("input")).to_have_value("abcdef")


def test_a_button_that_has_asked_or_was_pressed_stays_so_while_its_request_changes(
    page: Page, datasets: Datasets, change: Changes
) -> None:
    assert datasets.hub
    sign_in(page, datasets.hub, "bob")
    mine, opened = page.locator("#mine article"), page.locator("#request article")
    mine.get_by_role("button", name="Withdraw").click()
    asks = mine.get_by_role("button", name="Stop the evaluation? It still counts as a submission.")
    expect(asks).to_be_visible()
    change()
    expect(asks).to_be_visible()
    expect(opened.get_by_role("button", name="Withdraw")).to_be_visible()

    with events_held(page):
        asks.click()
        change()
        expect(mine.get_by_role("button")).to_be_disabled()
    expect(mine).to_contain_text("It was withdrawn by bob.")
    expect(mine.get_by_role("button", name="Submit again")).to_be_enabled()

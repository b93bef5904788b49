"""What a visitor does and sees, in a real browser on a leaderboard that really evaluates."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from support.leaderboard import Leaderboard
from support.pages import events_held, listening, opening, rows
from support.waiting import PATIENCE_IN_MS


@pytest.fixture
def page(browser: Browser, leaderboard: Leaderboard) -> Iterator[Page]:
    """The leaderboard's page; no error of ours may appear on its console."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    with listening(page):
        with opening(page):
            page.goto(leaderboard.frontend.url)
        yield page
    page.close()


def fill_in(page: Page, model: str) -> None:
    """Fill in the form as a submitter does, and send it."""
    page.get_by_role("tab", name="Submit here!").click()
    page.get_by_label("Model name").fill(model)
    for field, choice in {"Precision": "float32", "Model type": "🟢 : pretrained"}.items():
        page.get_by_role("listbox", name=field).click()
        page.get_by_role("option", name=choice).click()
    page.get_by_role("button", name="Submit", exact=True).click()


def test_a_model_submitted_by_the_form_is_seen_to_finish_and_comes_into_the_table_after_a_click(
    page: Page, leaderboard: Leaderboard
) -> None:
    fill_in(page, "demo/third")
    expect(page.locator("#submission")).to_contain_text("demo/third")
    expect(page.locator("#submission")).to_contain_text("is in the queue")
    expect(page.locator("#queue-pending, #queue-running").filter(has_text="demo/third")).to_have_count(1)

    finished = page.locator("#queue-finished")
    page.get_by_role("button", name="Finished").click()
    expect(finished).to_contain_text("demo/third", timeout=PATIENCE_IN_MS)

    page.get_by_role("tab", name="LLM Benchmark").click()
    notice = page.get_by_role("button", name="· Show")
    expect(notice).to_be_visible(timeout=PATIENCE_IN_MS)
    assert not any("demo/third" in row for row in rows(page))
    notice.click()
    expect(page.locator("#leaderboard").get_by_text("demo/third").first).to_be_visible()
    expect(notice).to_be_hidden()


def test_what_is_typed_before_the_page_has_heard_from_its_server_stays(
    browser: Browser, leaderboard: Leaderboard
) -> None:
    with browser.new_context() as context, listening(page := context.new_page()):
        with events_held(page, "queue/join|run/predict"):  # it also asks by itself every few seconds
            page.goto(leaderboard.frontend.url)
            page.get_by_role("tab", name="Submit here!").click()
            page.get_by_label("Model name").fill("demo/second")
            expect(page.locator("#queue-pending")).to_be_empty()
        expect(page.locator("#queue-pending")).not_to_be_empty()
        expect(page.get_by_label("Model name")).to_have_value("demo/second")


def test_a_mistake_is_told_next_to_the_form_and_what_was_written_stays(page: Page) -> None:
    fill_in(page, "demo/no-such-model")
    expect(page.locator("#submission")).to_contain_text("demo/no-such-model")
    expect(page.locator("#submission .bad")).to_be_visible()
    expect(page.get_by_label("Model name")).to_have_value("demo/no-such-model")

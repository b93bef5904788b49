"""Half by hand on a whole leaderboard: a submission waits for a maintainer before a worker evaluates it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from support.leaderboard import Leaderboard, leaderboard_on_a_hub
from support.pages import listening, opening, rows, sign_in
from support.waiting import PATIENCE, PATIENCE_IN_MS

MODEL = "demo/second"


@pytest.fixture(scope="module")
def leaderboard(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Leaderboard]:
    """Both Spaces on a Hub. bob maintains, carol submits, and the worker runs all the time."""
    settings = {"APPROVAL": "by_hand", "MAINTAINERS": "bob"}
    with leaderboard_on_a_hub(tmp_path_factory.mktemp("data"), models, login=True, **settings) as running:
        assert running.hub
        for name in ("bob", "carol"):
            running.hub.do("add_user", name=name)
        yield running


@contextmanager
def page_of(browser: Browser, leaderboard: Leaderboard, login: str, tab: str) -> Iterator[Page]:
    """A tab of the page in a browser of its own, for whoever signs in."""
    assert leaderboard.hub
    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    with listening(page):
        with opening(page):
            page.goto(leaderboard.frontend.url)
        page.get_by_role("tab", name="Submit here!").click()
        sign_in(page, leaderboard.hub, login)
        page.get_by_role("tab", name=tab).click()
        yield page
    page.close()


def test_a_submission_waits_for_a_maintainer_and_then_comes_into_the_table(
    browser: Browser, leaderboard: Leaderboard
) -> None:
    with page_of(browser, leaderboard, "carol", "Submit here!") as page:
        box = page.get_by_label("Model name")
        box.fill(MODEL)
        box.press("Enter")
        expect(page.get_by_role("listbox", name="Precision")).to_have_value("float32")
        page.get_by_role("button", name="Submit", exact=True).click()
        expect(page.locator("#submission")).to_contain_text("A maintainer has to approve it")
        [request] = leaderboard.visitor.queue()
        assert (request["status"], request["started"]) == ("WAITING", None)
    with page_of(browser, leaderboard, "bob", "Maintain") as page:
        page.locator("#to-approve article").get_by_role("button", name="Approve").click()
        expect(page.locator("#maintained")).to_contain_text("is approved")
        page.get_by_label("Model, submitter or status").fill(f"{MODEL} finished")
        expect(page.locator("#found-requests")).to_contain_text("Finished", timeout=PATIENCE_IN_MS)
        page.get_by_role("tab", name="LLM Benchmark").click()
        page.reload()
        expect(page.locator("#leaderboard").get_by_text(MODEL).first).to_be_visible(timeout=PATIENCE_IN_MS)
        assert any(MODEL in row for row in rows(page))
    leaderboard.visitor.wait_for([MODEL], seconds=PATIENCE)


def test_a_maintainer_has_everything_evaluated_again_and_sees_first_what_that_is(
    browser: Browser, leaderboard: Leaderboard
) -> None:
    [first] = leaderboard.visitor.queue()
    assert first["status"] == "FINISHED", "the test before has filled the board"
    with page_of(browser, leaderboard, "bob", "Maintain") as page:
        look, told = page.locator("#do-again"), page.locator("#would-be-again")
        look.click()
        expect(told).to_contain_text("It needs nothing (")
        page.get_by_label("Everything").check()
        look.click()
        expect(told).to_contain_text("1 row of the board will be computed again, 3 task evaluations in all")
        page.get_by_role("button", name="Evaluate 1 row again").click()
        expect(told).to_contain_text("Visitors' submissions are evaluated first.")
        page.get_by_label("Model, submitter or status").fill(MODEL)
        found = page.locator("#found-requests article")
        found.get_by_text("attempt").or_(found.get_by_text("What happened")).first.click()
        expect(found).to_contain_text("rerun: bob had it evaluated again.")
        expect(found).to_contain_text("Finished", timeout=PATIENCE_IN_MS)
    [again] = leaderboard.visitor.queue()
    assert again["result"] != first["result"]

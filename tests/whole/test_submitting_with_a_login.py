"""The whole way of a submission in a real browser, with a login: corrected, followed, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from support.leaderboard import Leaderboard, leaderboard_on_a_hub
from support.pages import listening, opening, sign_in
from support.waiting import PATIENCE_IN_MS

CARD = "---\nlanguage: en\n---\nA model."


@pytest.fixture(scope="module")
def leaderboard(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Leaderboard]:
    """Both Spaces, where people sign in; alice owns it, bob and carol submit."""
    with leaderboard_on_a_hub(tmp_path_factory.mktemp("data"), models, login=True) as leaderboard:
        assert leaderboard.hub
        for name in ("bob", "carol"):
            leaderboard.hub.do("add_user", name=name)
        leaderboard.hub.do("add_repository", type="model", id="bob/bare", files={"README.md": CARD})
        yield leaderboard


@contextmanager
def page_of(browser: Browser, leaderboard: Leaderboard, login: str | None = None) -> Iterator[Page]:
    """The Submit tab in a browser that has never been there, for whoever signs in."""
    context = browser.new_context(viewport={"width": 1400, "height": 1200})
    page = context.new_page()
    with listening(page):
        with opening(page):
            page.goto(f"{leaderboard.frontend.url}?__theme=light")  # as the Hub's own page does around it
        page.get_by_role("tab", name="Submit here!").click()
        if login:
            assert leaderboard.hub
            sign_in(page, leaderboard.hub, login)
        yield page
    context.close()


def look_up(page: Page, model: str) -> None:
    box = page.get_by_label("Model name")
    box.fill(model)
    box.press("Enter")


def field(page: Page, name: str) -> Locator:
    return page.get_by_role("listbox", name=name)


def submit(page: Page) -> None:
    page.get_by_role("button", name="Submit", exact=True).click()


def withdraw(card: Locator) -> None:
    """Press the button, and once more where it asks, because the evaluation runs already."""
    button = card.locator('button[data-action="withdraw"]')
    button.click()
    asks = card.get_by_role("button", name="Stop the evaluation? It still counts as a submission.")
    expect(asks.or_(card.get_by_text("It was withdrawn by")).first).to_be_visible()
    if asks.is_visible():
        asks.click()


def requests_of(leaderboard: Leaderboard, model: str) -> list[dict[str, Any]]:
    return [each for each in leaderboard.visitor.queue() if each["model"] == model]


def test_nobody_submits_without_signing_in(browser: Browser, leaderboard: Leaderboard) -> None:
    with page_of(browser, leaderboard) as page:
        expect(page.get_by_role("button", name="Sign in with Hugging Face to submit")).to_be_visible()
        expect(page.get_by_label("Model name")).to_be_hidden()
        expect(page.get_by_text("My submissions")).to_be_hidden()


def test_from_a_mistake_to_the_result_with_a_withdrawal_between(
    browser: Browser, leaderboard: Leaderboard
) -> None:
    with page_of(browser, leaderboard, "bob") as page:
        look_up(page, "bob/bare")
        wrong = page.locator("#error-model")
        for mistake in (
            "no files with weights",
            "states no licence",
            "a model card with 8 characters of text",
        ):
            expect(wrong).to_contain_text(mistake)

        look_up(page, "https://huggingface.co/demo/adder-novice/tree/main")
        expect(page.locator("#found")).to_contain_text("apache-2.0")
        expect(wrong).to_be_hidden()
        expect(field(page, "Precision")).to_have_value("float32")
        expect(field(page, "Model type")).to_have_value("🟢 : pretrained")
        expect(page.get_by_label("Model name")).to_have_value("demo/adder-novice")
        field(page, "Model type").click()
        page.get_by_role("option", name="fine-tuned").click()
        submit(page)
        expect(page.locator("#submission")).to_contain_text("is in the queue, at position 1")
        expect(page.get_by_label("Model name")).to_have_value("")

        mine = page.locator("#mine article").filter(has_text="demo/adder-novice")
        expect(mine).to_contain_text("submitted by bob")
        withdraw(mine)
        expect(mine).to_contain_text("It was withdrawn by bob.")
        expect(page.locator("#acted")).to_contain_text("was withdrawn")
        [withdrawn] = requests_of(leaderboard, "demo/adder-novice")
        assert (withdrawn["status"], withdrawn["submitted_by"]) == ("CANCELLED", "bob")

        mine.get_by_role("button", name="Submit again").click()
        expect(page.locator("#acted")).to_contain_text("is in the queue")
        mine.get_by_role("link", name="link to this").click()
        opened = page.locator("#request")
        expect(opened).to_contain_text("demo/adder-novice")
        expect(opened).to_contain_text("Its result is on the leaderboard.", timeout=PATIENCE_IN_MS)
        expect(opened.get_by_role("link", name="result")).to_be_visible()
        opened.get_by_text("What happened").click()
        for event in ("withdrawn", "resubmitted", "finished"):
            expect(opened.locator("details")).to_contain_text(event)
        [finished] = requests_of(leaderboard, "demo/adder-novice")
        assert finished["request"] == withdrawn["request"]

        look_up(page, "demo/adder-novice")
        expect(wrong).to_contain_text("was already submitted and is FINISHED")
        expect(wrong.get_by_role("link", name="See that request")).to_be_visible()


def test_what_somebody_submitted_nobody_else_withdraws(browser: Browser, leaderboard: Leaderboard) -> None:
    with page_of(browser, leaderboard, "bob") as page:
        look_up(page, "demo/second")
        expect(page.locator("#found")).to_contain_text("apache-2.0")
        expect(field(page, "Precision")).to_have_value("float32")
        submit(page)
        expect(page.locator("#submission")).to_contain_text("is in the queue")
        address = page.locator("#submission a").get_attribute("href")
    with page_of(browser, leaderboard, "carol") as page:
        page.goto(f"{leaderboard.frontend.url}/{address}")
        opened = page.locator("#request")
        expect(opened).to_contain_text("submitted by bob")
        expect(opened.get_by_role("button")).to_have_count(0)
        [request] = requests_of(leaderboard, "demo/second")
        press = """path => {
            const box = document.querySelector("#action textarea");
            box.value = JSON.stringify(["withdraw", path, 0, ""]);
            box.dispatchEvent(new Event("input", {bubbles: true}));
        }"""
        page.evaluate(press, request["request"])
        expect(page.locator("#acted")).to_contain_text("only bob, who submitted it, can withdraw it")
        assert requests_of(leaderboard, "demo/second")[0]["status"] != "CANCELLED"
        page.get_by_role("button", name="Logout (carol)").click()
        expect(page.get_by_role("button", name="Sign in with Hugging Face to submit")).to_be_visible()
        expect(page.get_by_label("Model name")).to_be_hidden()

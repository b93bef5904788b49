"""Maintainers at the page in a real browser: half by hand, a model hidden and shown, and what others see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from local_leaderboard import Space
from support.axe import violations
from support.hub_process import RemoteHub
from support.leaderboard import Datasets, datasets_on_a_hub, with_a_login
from support.pages import events_held, listening, opening, sign_in
from visitor import Visitor

CARD = "---\nlicense: mit\n---\n" + "It was made for a test. " * 20
MODELS = ("carol/first", "carol/second")


@dataclass(frozen=True)
class Place:
    """A frontend whose submissions wait for approval. alice owns it, bob maintains it, carol submits."""

    frontend: Space
    hub: RemoteHub
    datasets: Datasets

    def request(self, model: str) -> dict[str, Any]:
        """The only request for a model."""
        [request] = [each for each in Visitor(self.frontend.url).queue() if each["model"] == model]
        return dict(request)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with datasets_on_a_hub(tmp_path_factory.mktemp("data")) as datasets:
        hub = datasets.hub
        assert hub
        for name in ("bob", "carol"):
            hub.do("add_user", name=name)
        for model in MODELS:
            folder = model_folder(tmp_path_factory.mktemp("models") / model)
            hub.do("add_repository", type="model", id=model, folder=str(folder))
        datasets.write("requests", ".leaderboard/flags.yaml", "models:\n- acme/odd: it is too good\n")
        settings = with_a_login(hub) | {"APPROVAL": "by_hand", "MAINTAINERS": "bob", "REFRESH_RATE": "0.5"}
        with datasets.frontend(**settings) as frontend:
            yield Place(frontend, hub, datasets)


def model_folder(folder: Path) -> Path:
    """A model of which only what a submission looks at is there."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    (folder / "README.md").write_text(CARD)
    header = json.dumps({"weight": {"dtype": "F32", "shape": [10, 20], "data_offsets": [0, 800]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    return folder


@contextmanager
def page_of(browser: Browser, place: Place, login: str | None, **options: Any) -> Iterator[Page]:
    """The Submit tab in a browser that has never been there, for whoever signs in."""
    context = browser.new_context(**{"viewport": {"width": 1300, "height": 1100}, **options})
    page = context.new_page()
    with listening(page):
        with opening(page):
            page.goto(f"{place.frontend.url}?__theme=light")
        page.get_by_role("tab", name="Submit here!").click()
        if login:
            sign_in(page, place.hub, login)
        yield page
    context.close()


def maintain(page: Page) -> None:
    page.get_by_role("tab", name="Maintain").click()


def submit(page: Page, model: str) -> None:
    box = page.get_by_label("Model name")
    box.fill(model)
    box.press("Enter")
    expect(page.get_by_role("listbox", name="Precision")).to_have_value("float32")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.locator("#submission")).to_contain_text("A maintainer has to approve it")


def card(page: Page, where: str, model: str) -> Locator:
    return page.locator(f"{where} article").filter(has_text=model)


def test_half_by_hand_from_the_submission_to_the_queue(browser: Browser, place: Place) -> None:
    with page_of(browser, place, "carol") as page:
        submit(page, "carol/first")
        expect(card(page, "#mine", "carol/first")).to_contain_text("Waiting for approval")
        expect(page.get_by_role("tab", name="Maintain")).to_have_count(0)
        assert place.request("carol/first")["status"] == "WAITING"
    with page_of(browser, place, "bob") as page:
        maintain(page)
        waiting = card(page, "#to-approve", "carol/first")
        expect(waiting).to_contain_text("submitted by carol")
        waiting.get_by_role("button", name="Approve").click()
        expect(page.locator("#maintained")).to_contain_text("is approved, and in the queue at position 1.")
        expect(page.locator("#to-approve")).to_contain_text("Nothing waits for approval.")
        page.get_by_label("Model, submitter or status").fill("first pending")
        found = card(page, "#found-requests", "carol/first")
        expect(found).to_contain_text("Waiting, position 1")
        found.get_by_text("What happened").click()
        expect(found).to_contain_text("approved: It was approved by bob.")
    assert place.request("carol/first")["status"] == "PENDING"


def test_a_rejection_needs_a_reason_which_its_submitter_reads(browser: Browser, place: Place) -> None:
    with page_of(browser, place, "carol") as page:
        submit(page, "carol/second")
    path = place.request("carol/second")["request"]
    with page_of(browser, place, "bob") as page:
        maintain(page)
        waiting = card(page, "#to-approve", "carol/second")
        waiting.get_by_role("button", name="Reject").click()
        expect(page.locator("#maintained")).to_contain_text("Give a reason")
        reason = waiting.get_by_label("Reason, which the submitter of carol/second reads")
        reason.fill("It is a <b>copy</b>.")
        # The list is drawn anew below what is being typed.
        place.datasets.write_request("carol/other", status="WAITING", submitted_by="carol")
        expect(page.locator("#to-approve article")).to_have_count(2)
        expect(reason).to_have_value("It is a <b>copy</b>.")
        expect(reason).to_be_focused()
        waiting.get_by_role("button", name="Reject").click()
        expect(page.locator("#maintained")).to_contain_text("is rejected.")
        expect(waiting).to_have_count(0)
    with page_of(browser, place, "carol") as page:
        page.goto(f"{place.frontend.url}?request={path}")
        expect(page.locator("#request")).to_contain_text("It was rejected by bob: It is a <b>copy</b>.")
        expect(page.locator("#request").get_by_role("button", name="Try again")).to_have_count(0)


def test_the_keyboard_goes_on_with_the_next_request_and_the_answer_stays_in_sight(
    browser: Browser, place: Place
) -> None:
    for number in range(4):
        place.datasets.write_request(f"carol/next-{number}", status="WAITING", submitted_by="carol")
    with page_of(browser, place, "bob") as page:
        page.set_viewport_size({"width": 1300, "height": 400})
        maintain(page)
        waiting = page.locator("#to-approve article")

        def button(number: int, name: str) -> Locator:
            return waiting.filter(has_text=f"carol/next-{number}").get_by_role("button", name=name)

        expect(button(3, "Approve")).to_be_visible()
        button(2, "Approve").press("Enter")
        expect(page.locator("#maintained")).to_contain_text("carol/next-2")
        expect(button(3, "Approve")).to_be_focused()
        expect(page.locator("#maintained .note")).to_be_in_viewport()
        button(3, "Reject").press("Enter")
        expect(page.locator("#maintained")).to_contain_text("Give a reason")
        expect(button(3, "Reject")).to_be_focused()
        for left in range(waiting.count(), 0, -1):
            expect(waiting).to_have_count(left)
            waiting.first.get_by_role("button", name="Approve").press("Enter")
        expect(page.locator("#to-approve")).to_contain_text("Nothing waits for approval.")
        expect(page.locator("#to-approve")).to_be_focused()


def test_a_button_pressed_while_another_waits_is_sent_and_each_waits_for_its_own_answer(
    browser: Browser, place: Place
) -> None:
    for model in ("carol/slow", "carol/quick"):
        place.datasets.write_request(model, status="WAITING", submitted_by="carol")
    with page_of(browser, place, "bob") as page:
        maintain(page)
        approve = card(page, "#to-approve", "carol/slow").get_by_role("button", name="Approve")
        reject = card(page, "#to-approve", "carol/quick").get_by_role("button", name="Reject")
        with events_held(page) as held:
            for button in (approve, reject):
                with page.expect_request("**/queue/join*"):
                    button.click()
                expect(button).to_be_disabled()
            held.pop().continue_()
            expect(page.locator("#maintained")).to_contain_text("Give a reason")
            expect(reject).to_be_enabled()
            expect(approve).to_be_disabled()
        expect(page.locator("#maintained")).to_contain_text("carol/slow")
        expect(approve).to_have_count(0)
    assert place.request("carol/slow")["status"] == "PENDING"


def test_the_open_request_has_the_buttons_too(browser: Browser, place: Place) -> None:
    place.datasets.write_request("carol/failed", status="FAILED", message="It crashed.", submitted_by="carol")
    path = "carol/failed_eval_request_False_float16_Original.json"
    with page_of(browser, place, "bob") as page:
        page.goto(f"{place.frontend.url}?request={path}")
        opened = page.locator("#request")
        opened.get_by_role("button", name="Try again").click()
        expect(opened).to_contain_text("Waiting, position")
        expect(page.locator("#tab-submit, body").first).to_contain_text("will be evaluated again")
        opened.get_by_role("button", name="Cancel").click()
        expect(opened).to_contain_text("It was cancelled by bob.")
    request = place.request("carol/failed")
    assert request["status"] == "CANCELLED"


def test_a_model_is_hidden_and_shown_again_and_a_removal_is_asked_about(
    browser: Browser, place: Place
) -> None:
    with page_of(browser, place, "alice") as page:  # the owner, whom MAINTAINERS does not name
        page.goto(f"{place.frontend.url}?tab=maintain")
        expect(page.get_by_role("heading", name="Models, users, the board")).to_be_visible()
        in_force = page.locator("#in-force")
        expect(in_force).to_contain_text("acme/odd")
        expect(in_force).to_contain_text("by hand")
        expect(in_force.get_by_role("button")).to_have_count(0)
        page.get_by_role("listbox", name="What to do").click()
        page.get_by_role("option", name="Hide a model").click()
        page.locator("#act-name textarea").fill("acme/leaked")
        page.locator("#do-act").click()
        expect(page.locator("#maintained")).to_contain_text("Give a reason")
        page.locator("#act-reason textarea").fill("trained on the test questions")
        page.locator("#do-act").click()
        expect(page.locator("#maintained")).to_contain_text("acme/leaked is hidden")
        expect(page.locator("#act-name textarea")).to_have_value("")
        undo = in_force.get_by_role("button", name="Undo: hidden, acme/leaked")
        undo.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#maintained")).to_contain_text("The act that hid acme/leaked is undone.")
        expect(undo).to_have_count(0)
        page.locator("#latest-acts summary").click()
        expect(page.locator("#latest-acts")).to_contain_text("alice: show acme/leaked")
        page.get_by_role("listbox", name="What to do").click()
        page.get_by_role("option", name="Remove a model").click()
        page.locator("#act-name textarea").fill("acme/none")
        page.locator("#do-act").click()
        page.get_by_role("button", name="Remove acme/none for good?").click()
        expect(page.locator("#maintained")).to_contain_text("There is nothing of acme/none")


def test_a_closed_board_says_so_to_everybody(browser: Browser, place: Place) -> None:
    with page_of(browser, place, "bob") as page:
        maintain(page)
        page.get_by_role("listbox", name="What to do").click()
        page.get_by_role("option", name="Close the board").click()
        page.locator("#act-reason textarea").fill("We move to version 2.")
        page.locator("#do-act").click()
        told = page.get_by_role("status").filter(has_text="Submissions are closed: We move to version 2.")
        expect(told).to_be_visible()
        page.get_by_role("button", name="Undo: closed, the board").click()
        expect(page.locator("#maintained")).to_contain_text("The board takes submissions again.")
        expect(told).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1300, 390])
def test_axe_finds_nothing_serious_on_the_tab_and_it_fits(
    browser: Browser, place: Place, theme: str, width: int
) -> None:
    place.datasets.write_request("carol/waits-with-a-long-name", status="WAITING", submitted_by="carol")
    with page_of(browser, place, "bob") as page:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{place.frontend.url}?tab=maintain&__theme={theme}")
        expect(card(page, "#to-approve", "carol/waits-with-a-long-name")).to_be_visible()
        page.get_by_label("Model, submitter or status").fill("carol")
        expect(page.locator("#found-requests article").first).to_be_visible()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

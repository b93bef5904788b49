"""The queue in a real browser: where a reader is in it stays while requests change."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from local_leaderboard import Space
from support.leaderboard import Datasets, datasets_on_a_hub, with_a_login
from support.pages import listening, sign_in

RUNS = "acme/runs_eval_request_False_float16_Original.json"


def write(datasets: Datasets, model: str, status: str, **fields: object) -> None:
    """A request, as the other side writes it."""
    content = {"model": model, "precision": "float16", "weight_type": "Original", "status": status} | fields
    content["submitted_time"] = "2026-01-31T12:00:00Z"
    datasets.write("requests", f"{model}_eval_request_False_float16_Original.json", json.dumps(content))


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
        for number in range(40):
            write(datasets, f"acme/waits-{number}", "PENDING")
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
            page.goto(f"{frontend.url}?request={RUNS}")
            expect(page.locator("#request")).to_contain_text("acme/runs")
            yield page


def test_what_is_opened_scrolled_to_and_focused_stays_while_requests_change(
    page: Page, datasets: Datasets
) -> None:
    card, waiting, running = (
        page.locator(f"#{name}") for name in ("request", "queue-pending", "queue-running")
    )
    card.locator("summary").click()
    table = waiting.locator(".queue")
    table.evaluate("element => { element.scrollTop = 123 }")
    done = 11
    for focused in (
        running.get_by_role("link").first,
        waiting.get_by_role("link", name="the request of acme/waits-7", exact=True),
        card.locator("summary"),
    ):
        focused.focus()  # which may scroll there
        top = table.evaluate("element => element.scrollTop")
        done += 11
        write_running(datasets, done)
        write(datasets, f"acme/new-{done}", "PENDING")
        expect(card).to_contain_text(f"{done} %")
        expect(waiting).to_contain_text(f"acme/new-{done}")
        expect(focused).to_be_focused()
        expect(card.locator("details")).to_have_attribute("open", "")
        assert table.evaluate("element => element.scrollTop") == top > 0

    card.locator("summary").click()
    page.locator("body").click(position={"x": 5, "y": 5})
    write_running(datasets, 66)
    expect(card).to_contain_text("66 %")
    expect(card.locator("details")).not_to_have_attribute("open", "")
    expect(card.locator("summary")).not_to_be_focused()


def test_a_button_that_has_asked_still_asks_when_its_request_changes(page: Page, datasets: Datasets) -> None:
    assert datasets.hub
    sign_in(page, datasets.hub, "bob")
    mine = page.locator("#mine article")
    mine.get_by_role("button", name="Withdraw").click()
    asks = mine.get_by_role("button", name="Stop the evaluation and lose its progress?")
    for done in (77, 88):
        expect(asks).to_be_visible()
        write_running(datasets, done)
        expect(mine).to_contain_text(f"{done} %")
    asks.click()
    expect(mine).to_contain_text("It was withdrawn by bob.")

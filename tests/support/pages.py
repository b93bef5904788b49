"""Looking at the frontend's page in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import ConsoleMessage, Page, Response, Route, expect

from support.hub_process import RemoteHub
from support.waiting import PATIENCE_IN_MS, wait_for

NOT_OURS = (
    "values",
    "filter_values",
    "ERR_",
    "Space not found",
    "AbortError",
)
"""In messages of gradio's and the component's. "Space not found" is about a Space that only the tests have,
and gradio aborts what it reads when it is left.
"""


@contextmanager
def listening(page: Page) -> Iterator[None]:
    """Fail at the end of the block if an error of ours appeared on the page's console."""
    errors: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        text = f"{message.text} {message.location.get('url', '')}"
        if message.type == "error" and not any(known in text for known in NOT_OURS):
            errors.append(text)

    page.on("console", listen)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield
    assert not errors, errors


@contextmanager
def opening(page: Page) -> Iterator[None]:
    """Open a page in the block, then wait until it shows what it asks for by itself: a notice that appears
    moves what the mouse is about to press.
    """

    def is_news(response: Response) -> bool:
        """The page asks for the version alone first, and then says what it shows."""
        return "/run/predict" in response.url and bool(response.request.post_data_json["data"])

    with page.expect_response(is_news, timeout=PATIENCE_IN_MS) as news:
        yield
    news.value.finished()
    page.evaluate("() => new Promise(shown => requestAnimationFrame(() => requestAnimationFrame(shown)))")


def rows(page: Page) -> list[str]:
    """The text of each line that the table shows."""
    return page.locator("#leaderboard svelte-virtual-table-viewport table tbody tr").all_inner_texts()


def sign_in(page: Page, hub: RemoteHub, login: str) -> None:
    """Sign in with a login of the Hub, as one does on the Submit tab."""
    hub.do("log_in_browser", user=login)
    page.get_by_role("button", name="Sign in with Hugging Face").click()
    with opening(page):
        page.get_by_role("button", name=f"Authorize as {login}").click()
    expect(page.get_by_role("button", name=f"Logout ({login})")).to_be_visible()


@contextmanager
def events_held(page: Page, calls: str = "queue/join") -> Iterator[list[Route]]:
    """What the page sends into gradio's queue reaches the server after the block, or what it sends to such an
    address. Something must be sent.

    Yields what is held, the last one last.
    """
    held: list[Route] = []
    is_over = False
    page.route(re.compile(calls), lambda route: route.continue_() if is_over else held.append(route))
    yield held
    wait_for(lambda: page.wait_for_timeout(20) or held, what="something that is sent")
    is_over = True
    for route in held:
        route.continue_()

"""Both Spaces as processes, started while something is wrong with the Hub: their pages open and say what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from local_leaderboard import running
from support.hub_process import RemoteHub, hub_process
from support.leaderboard import FRONTEND_PYTHON, QUICK, on_the_hub

SOON = 60_000
"""Milliseconds within which a page has found out what is wrong, or that it is right again."""


@pytest.fixture
def hub() -> Iterator[RemoteHub]:
    with hub_process(FRONTEND_PYTHON) as hub:
        yield hub


@pytest.fixture
def token(hub: RemoteHub) -> str:
    token: str = hub.do("add_user", name="alice", organizations={"acme": "admin"})
    return token


def expect_on_both(browser: Browser, spaces: Iterator[str] | list[str], text: str) -> list[Page]:
    """Open both pages, and wait for a sentence on each."""
    pages = []
    for url in spaces:
        page = browser.new_page()
        page.goto(url)
        expect(page.get_by_text(text).first).to_be_visible(timeout=SOON)
        pages.append(page)
    return pages


def expect_recovery(pages: list[Page], text: str) -> None:
    """Wait until neither page says it any more, and close them."""
    for page in pages:
        expect(page.get_by_text(text)).to_have_count(0, timeout=SOON)
        page.close()


@pytest.mark.slow
def test_a_hub_that_is_down_and_comes_back(
    browser: Browser, hub: RemoteHub, token: str, tmp_path: Path
) -> None:
    hub.do("strike_share", share=1, faults=["unavailable"])
    with running(tmp_path, **on_the_hub(hub, token), **QUICK) as spaces:
        pages = expect_on_both(
            browser, [space.url for space in spaces.values()], "the Hub answers with an error (503)"
        )
        hub.do("stop_faults")
        expect_recovery(pages, "the Hub answers with an error (503)")


@pytest.mark.slow
def test_a_hub_that_does_not_answer(browser: Browser, hub: RemoteHub, token: str, tmp_path: Path) -> None:
    """The pages open at once, whatever the Hub does."""
    hub.do("strike_share", share=1, faults=["slow"], slow_seconds=8)
    with running(tmp_path, ("frontend",), **on_the_hub(hub, token), **QUICK) as spaces:
        pages = expect_on_both(browser, [spaces["frontend"].url], "Reading the results")
        hub.do("stop_faults")
        expect(pages[0].get_by_text("No results yet")).to_be_visible(timeout=SOON)
        pages[0].close()


@pytest.mark.slow
def test_datasets_that_are_missing_and_cannot_be_created(
    browser: Browser, hub: RemoteHub, token: str, tmp_path: Path
) -> None:
    reader = hub.do("add_token", user="alice", role="read")
    with running(tmp_path, **on_the_hub(hub, reader), **QUICK) as spaces:
        command = "hf repos create acme/requests --repo-type dataset"
        pages = expect_on_both(browser, [space.url for space in spaces.values()], command)
        for dataset in ("requests", "results"):
            hub.do("add_repository", type="dataset", id=f"acme/{dataset}", files={"README.md": "# Mine"})
        expect_recovery(pages, command)


@pytest.mark.slow
def test_a_token_that_can_only_read(browser: Browser, hub: RemoteHub, token: str, tmp_path: Path) -> None:
    for dataset in ("requests", "results"):
        hub.do("add_repository", type="dataset", id=f"acme/{dataset}", files={"README.md": "# Mine"})
    reader = hub.do("add_token", user="alice", role="read")
    with running(tmp_path, **on_the_hub(hub, reader), **QUICK) as spaces:
        sentence = "Cannot write to acme/requests: the token in HF_TOKEN lacks the permission."
        for page in expect_on_both(browser, [space.url for space in spaces.values()], sentence):
            page.close()

"""A page is launched on a machine so busy that Gradio would give up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count

import gradio as gr
import httpx
import pytest
from gradio import http_server, networking

from src.shared.serving.launch import launch


@pytest.fixture
def page() -> Iterator[gr.Blocks]:
    with gr.Blocks(analytics_enabled=False) as page:
        gr.HTML("It is there.")
    yield page
    page.close(verbose=False)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute passes whenever Gradio looks at the clock, and nothing answers within its limit."""
    steps = count(time.time(), 60)
    monkeypatch.setattr(http_server.time, "time", lambda: next(steps))
    monkeypatch.setattr(networking, "url_ok", lambda url: False)


@pytest.mark.usefixtures("busy")
def test_a_page_opens_however_long_it_takes(page: gr.Blocks) -> None:
    launch(page, quiet=True)
    assert "It is there." in httpx.get(page.local_url).text


def test_a_server_that_ends_before_it_answers_is_said_at_once(
    page: gr.Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server.Server, "run", lambda self: None)
    with pytest.raises(OSError, match="empty port"):
        launch(page, quiet=True)

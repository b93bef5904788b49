"""What a browser or a program sends to the page, as gradio hands it to a function."""

import time
from collections.abc import Mapping
from typing import Any

import gradio as gr
from starlette.requests import Request


def page_request(
    login: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    query: str = "",
    seconds_left: float = 3600,
) -> gr.Request:
    """One call of a page at `leaderboard.test`, of whoever has signed in under this login."""
    sent = {"host": "leaderboard.test", **(headers or {})}
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        "session": {},
    }
    if login:
        userinfo = {"name": login, "preferred_username": login, "profile": "", "picture": ""}
        scope["session"] = {"oauth_info": {"userinfo": userinfo, "expires_at": time.time() + seconds_left}}
    return gr.Request(Request(scope))

"""Who is at the page: the login in the cookie that Gradio signs, and the token that a program sends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import gradio as gr

from src.submitting.accounts import Accounts
from src.submitting.submitter import ANONYMOUS, Submitter

BEARER = "bearer "


@dataclass(frozen=True)
class Visitors:
    """Tells who somebody is, by nothing but what the Hub said. `hosts` are those of the page beside the one
    that a browser asked.
    """

    accounts: Accounts
    hosts: frozenset[str] = frozenset()

    def signed_in(self, request: gr.Request) -> Submitter:
        """Whoever has signed in at the Hub, from Gradio's profile of them; nobody once that has run out."""
        session = getattr(request.request, "scope", {}).get("session") or {}
        login: Mapping[str, Any] | None = session.get("oauth_info")
        if not login or float(login.get("expires_at") or 0) < time.time() or not self._is_own_page(request):
            return ANONYMOUS
        return Submitter(gr.OAuthProfile(login["userinfo"]).username)

    def submitter(self, request: gr.Request) -> Submitter:
        """Whoever sends a token, else who has signed in. Raises NotRecognised for a token of nobody."""
        authorization = str(request.headers.get("authorization") or "")
        if authorization.lower().startswith(BEARER):
            return self.accounts.of_token(authorization[len(BEARER) :].strip())
        return self.signed_in(request)

    def _is_own_page(self, request: gr.Request) -> bool:
        """Browsers send the cookie along from any page, and name that page in the header Origin."""
        origin = request.headers.get("origin")
        return origin is None or urlsplit(origin).netloc in {request.headers.get("host"), *self.hosts}

"""Who visits the page: from the login in the cookie that Gradio signs, or the token that a program sends."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import gradio as gr

from src.submitting.accounts import Accounts
from src.submitting.submitter import ANONYMOUS, Submitter

BEARER = "bearer "


@dataclass(frozen=True)
class Visitors:
    """Identifies visitors, only from what the Hub confirmed.

    `hosts` are the page's hosts besides the one that the browser asked.
    """

    accounts: Accounts
    hosts: Collection[str] = ()

    def signed_in(self, request: gr.Request) -> Submitter:
        """Return the signed-in user from Gradio's profile of them; anonymous once the login has expired."""
        login = self._login(request)
        return Submitter(gr.OAuthProfile(login["userinfo"]).username) if login else ANONYMOUS

    def own_token(self, request: gr.Request) -> str | None:
        """Return the token that signing in gave the page, under which the Hub tells who the user is."""
        login = self._login(request)
        token = login.get("access_token") if login else None
        return token if isinstance(token, str) else None

    def _login(self, request: gr.Request) -> Mapping[str, Any] | None:
        """Return what Gradio keeps of a login, or None without a valid one."""
        session = getattr(request.request, "scope", {}).get("session") or {}
        login: Mapping[str, Any] | None = session.get("oauth_info")
        if not login or float(login.get("expires_at") or 0) < time.time() or not self._is_own_page(request):
            return None
        return login

    def submitter(self, request: gr.Request) -> Submitter:
        """Return the token's user, or else the signed-in user. Raises NotRecognised for an invalid token."""
        token = _sent_token(request)
        return self.signed_in(request) if token is None else self.accounts.of_token(token)

    def token(self, request: gr.Request) -> str | None:
        """Return the token under which the Hub tells more about the `submitter`."""
        token = _sent_token(request)
        return self.own_token(request) if token is None else token

    def _is_own_page(self, request: gr.Request) -> bool:
        """Return whether the call comes from our page. Browsers send the cookie from any page, and name that
        page in the Origin header.
        """
        origin = request.headers.get("origin")
        return origin is None or urlsplit(origin).netloc in {request.headers.get("host"), *self.hosts}


def _sent_token(request: gr.Request) -> str | None:
    """Return the token in the header Authorization; None without one."""
    authorization = str(request.headers.get("authorization") or "")
    if not authorization.lower().startswith(BEARER):
        return None
    return authorization[len(BEARER) :].strip()

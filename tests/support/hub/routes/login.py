"""Logging in elsewhere with an account of the Hub: the Hub as an OpenID provider."""

from __future__ import annotations

import html
import secrets
import time
from base64 import b64decode
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from ..accounts import User
from ..calls import Kind
from ..logins import VALID_FOR, Consent
from ..refusals import BadRequest, InvalidClient
from ..state import Hub
from .account import AVATAR
from .endpoint import Endpoint
from .lookup import caller_of, hub_of
from .notation import hub_id

PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>Hugging Face</title><link rel="icon" href="data:,"></head><body>
<h1>Log in with Hugging Face</h1>
{content}
</body></html>
"""


NOBODY = "Nobody is logged in at the Hub. Log in first."


async def discovery(request: Request) -> Response:
    """Where an application finds all the rest."""
    url = hub_of(request).url
    answer = {
        "issuer": url,
        "authorization_endpoint": f"{url}/oauth/authorize",
        "token_endpoint": f"{url}/oauth/token",
        "userinfo_endpoint": f"{url}/oauth/userinfo",
        "jwks_uri": f"{url}/oauth/jwks",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "scopes_supported": ["openid", "profile"],
    }
    return JSONResponse(answer)


async def jwks(request: Request) -> Response:
    """The public half of the key that signs ID tokens."""
    key = hub_of(request).logins.key
    return JSONResponse({"keys": [{**key.as_dict(is_private=False), "use": "sig", "alg": "RS256"}]})


async def authorize(request: Request) -> Response:
    """The page that asks whether an application may know who one is."""
    wrong, user = mistake_in(request), hub_of(request).logins.user
    if wrong:
        return told(wrong, status=400)
    if user is None:
        return told(NOBODY)
    action, name = html.escape(f"?{request.url.query}"), html.escape(user.name)
    button = f'<form method="post" action="{action}"><button>Authorize as {name}</button></form>'
    return HTMLResponse(PAGE.format(content=button))


async def authorized(request: Request) -> Response:
    """The button was pressed: back to the application, with a code and the state that it sent."""
    wrong, logins, query = mistake_in(request), hub_of(request).logins, request.query_params
    if wrong or logins.user is None:
        return told(wrong or NOBODY, status=400)
    code = logins.add_code(
        Consent(
            client_id=query["client_id"],
            redirect_uri=query["redirect_uri"],
            scope=query.get("scope", ""),
            nonce=query.get("nonce"),
            user=logins.user,
        )
    )
    joint = "&" if "?" in query["redirect_uri"] else "?"
    answer = urlencode({"code": code, "state": query.get("state", "")})
    return RedirectResponse(f"{query['redirect_uri']}{joint}{answer}", 303)


def mistake_in(request: Request) -> str:
    """Why the Hub asks nobody for an application that wants this; empty if it does."""
    query = request.query_params
    if query.get("client_id") not in hub_of(request).logins.apps:
        return f"No application has the client_id {query.get('client_id')!r}."
    if query.get("response_type") != "code" or "openid" not in query.get("scope", "").split():
        return "The response_type must be code, and the scope must have openid in it."
    return "" if query.get("redirect_uri") else "There is no redirect_uri."


def told(sentence: str, *, status: int = 200) -> Response:
    """A page with one sentence."""
    return HTMLResponse(PAGE.format(content=f"<p>{html.escape(sentence)}</p>"), status)


async def token(request: Request) -> Response:
    """A code becomes an access token and an ID token, once."""
    hub, client_id = hub_of(request), client_of(request)
    form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
    if form.get("grant_type") != "authorization_code":
        raise BadRequest("unsupported_grant_type")
    consent = hub.logins.redeem(form.get("code", ""))
    if consent is None or consent.client_id != client_id:
        raise BadRequest("invalid_grant", error_description="The code is unknown, or it was used before.")
    if consent.redirect_uri != form.get("redirect_uri"):
        raise BadRequest("invalid_grant", error_description="The redirect_uri is another than before.")
    answer = {
        "access_token": hub.add_app_token(consent.user.name),
        "token_type": "bearer",
        "expires_in": int(VALID_FOR.total_seconds()),
        "scope": consent.scope,
        "id_token": hub.logins.signed(id_claims(hub, consent)),
    }
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


def client_of(request: Request) -> str:
    """The application that the header `Authorization: Basic …` names and proves. Raises InvalidClient."""
    method, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        client_id, _, secret = b64decode(encoded).decode().partition(":")
    except ValueError as error:
        raise InvalidClient from error
    known = hub_of(request).logins.apps.get(client_id)
    if method != "Basic" or known is None or not secrets.compare_digest(known, secret):
        raise InvalidClient
    return client_id


def id_claims(hub: Hub, consent: Consent) -> dict[str, Any]:
    """What the ID token says: for whom it is, until when, and who logged in.

    Not the organisations: Gradio keeps all of it in a cookie, and its sessions cannot have lists of objects.
    """
    now = int(time.time())
    return {
        **profile_claims(hub, consent.user),
        "iss": hub.url,
        "aud": consent.client_id,
        "iat": now,
        "auth_time": now,
        "exp": now + int(VALID_FOR.total_seconds()),
        **({"nonce": consent.nonce} if consent.nonce else {}),
    }


async def userinfo(request: Request) -> Response:
    """Who the caller is, as the ID token says it, and the organisations."""
    hub, user = hub_of(request), caller_of(request).user
    orgs = [organization_claims(hub, name, role) for name, role in user.organizations.items()]
    return JSONResponse({**profile_claims(hub, user), "orgs": orgs})


def profile_claims(hub: Hub, user: User) -> dict[str, Any]:
    """Who a user is, in the words of OpenID."""
    return {
        "sub": hub_id("user", user.name),
        "name": user.name.title(),
        "preferred_username": user.name,
        "profile": f"{hub.url}/{user.name}",
        "picture": f"{hub.url}{AVATAR}",
        "website": "",
        "isPro": False,
    }


def organization_claims(hub: Hub, name: str, role: str) -> dict[str, Any]:
    """One of the user's organisations."""
    claims = {
        "sub": hub_id("org", name),
        "name": name.title(),
        "preferred_username": name,
        "picture": f"{hub.url}{AVATAR}",
        "isEnterprise": False,
    }
    return {**claims, "roleInOrg": role} if hub.logins.tells_roles else claims


ROUTES = [
    Endpoint("GET", "/.well-known/openid-configuration", discovery, Kind.PAGE),
    Endpoint("GET", "/oauth/jwks", jwks, Kind.PAGE),
    Endpoint("GET", "/oauth/authorize", authorize, Kind.PAGE),
    Endpoint("POST", "/oauth/authorize", authorized, Kind.PAGE),
    Endpoint("POST", "/oauth/token", token, Kind.PAGE),
    Endpoint("GET", "/oauth/userinfo", userinfo, Kind.PAGE),
]

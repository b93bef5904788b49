"""Who the caller is."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..accounts import Role, Token
from ..refusals import InvalidToken
from .endpoint import Endpoint
from .lookup import caller_of, hub_of
from .notation import hub_id, time_text

AVATAR = "/avatars/0.svg"


async def whoami(request: Request) -> Response:
    try:
        token = caller_of(request)
    except InvalidToken:
        raise InvalidToken("Invalid user token.") from None
    user, avatar = token.user, f"{hub_of(request).url}{AVATAR}"
    answer = {
        "type": "user",
        "id": hub_id("user", user.name),
        "name": user.name,
        "fullname": user.name.title(),
        "email": f"{user.name}@example.com",
        "emailVerified": True,
        "canPay": False,
        "periodEnd": None,
        "isPro": hub_of(request).accounts.plans.get(user.name) == "pro",
        "avatarUrl": avatar,
        "orgs": [
            organization(name, role, avatar, hub_of(request).accounts.plans.get(name))
            for name, role in user.organizations.items()
        ],
        "auth": auth(token),
    }
    return JSONResponse(answer)


def organization(name: str, role: str, avatar: str, plan: str | None) -> dict[str, Any]:
    """One of the user's organisations. One that pays for nothing has no `plan`."""
    answer: dict[str, Any] = {
        "type": "org",
        "id": hub_id("org", name),
        "name": name,
        "fullname": name.title(),
        "email": None,
        "canPay": False,
        "periodEnd": None,
        "isEnterprise": plan is not None,
        "avatarUrl": avatar,
        "roleInOrg": role,
    }
    return answer | {"plan": plan} if plan else answer


def auth(token: Token) -> dict[str, Any]:
    """What kind of token it is. Of an application's it is not told what it may do."""
    if token.expires:
        return {"type": "app_token_as_user", "expiresAt": time_text(token.expires)}
    return {"type": "access_token", "accessToken": access_token(token)}


def access_token(token: Token) -> dict[str, Any]:
    """What the token may do."""
    answer: dict[str, Any] = {
        "displayName": "test",
        "role": token.role.value,
        "createdAt": time_text(token.created),
    }
    if token.role == Role.FINE_GRAINED:
        scopes = [
            {
                "entity": {"_id": hub_id(*name), "type": name.type, "name": name.id},
                "permissions": ["repo.content.read", "repo.write"],
            }
            for name in sorted(token.repositories)
        ]
        scopes += [
            {"entity": owner(token, namespace), "permissions": sorted(permissions)}
            for namespace, permissions in sorted(token.permissions.items())
        ]
        answer["fineGrained"] = {"canReadGatedRepos": False, "global": [], "scoped": scopes}
    return answer


def owner(token: Token, namespace: str) -> dict[str, Any]:
    """A user or an organisation, as the scope of a permission."""
    type = "user" if namespace == token.user.name else "org"
    return {"_id": hub_id(type, namespace), "type": type, "name": namespace}


async def agent_harnesses(request: Request) -> Response:
    """The client asks at its first call which coding agents exist."""
    return JSONResponse({"standardEnvVars": [], "harnesses": {}})


ROUTES = [
    Endpoint("GET", "/api/whoami-v2", whoami),
    Endpoint("GET", "/api/agent-harnesses", agent_harnesses),
]

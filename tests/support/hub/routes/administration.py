"""Creating, deleting, renaming and setting up repositories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..refusals import BadRequest, PaymentRequired
from ..repository import RepoName, RepoType
from ..spaces import FREE, PAYING_PLANS, START_FILES, entries, first_files
from ..state import Hub
from .endpoint import Endpoint
from .lookup import (
    caller_of,
    check_may_write,
    hub_of,
    json_of,
    readable_repository_of,
    writable_repository_of,
)
from .notation import hub_id


def named(request: Request, body: Mapping[str, Any]) -> RepoName:
    """The repository that a body names by `type`, `name` and `organization`, which may be left out."""
    type: RepoType = body.get("type") or "model"
    name, user = body.get("name"), caller_of(request).user
    if type not in get_args(RepoType) or not isinstance(name, str):
        raise BadRequest("A repository needs a type and a name")
    return RepoName(type, f"{body.get('organization') or user.name}/{name}")


async def create(request: Request) -> Response:
    body = await json_of(request)
    name, hub = named(request, body), hub_of(request)
    hint = f'You don\'t have the rights to create a {name.type} under the namespace "{name.namespace}"'
    check_may_write(request, name, hint=hint)
    private = body.get("visibility") == "private" or bool(body.get("private"))
    if name.type == "space":
        add_space(hub, name, body, private=private)
    else:
        hub.add(name, private=private)
    answer = {"url": f"{hub.url}/{name.path}", "name": name.id, "id": hub_id(*name)}
    return JSONResponse(answer)


def add_space(hub: Hub, name: RepoName, body: Mapping[str, Any], *, private: bool) -> None:
    """A new Space. Raises PaymentRequired, and BadRequest for an impossible one."""
    sdk, hardware = body.get("sdk"), body.get("hardware") or "cpu-basic"
    if sdk not in START_FILES:
        raise BadRequest(f'"sdk" must be one of [{", ".join(START_FILES)}]')
    secrets, variables = entries(body.get("secrets")), entries(body.get("variables"))
    if hub.find(name) is None:
        check_plan(hub, name.namespace, sdk, hardware)
    repository = hub.add(name, first=first_files(name, sdk), private=private)
    assert repository.space
    repository.space.secrets, repository.space.variables = secrets, variables
    repository.space.set_hardware(hardware, body.get("sleepTimeSeconds"))


def check_plan(hub: Hub, namespace: str, sdk: str, hardware: str) -> None:
    """Raise PaymentRequired if nobody pays for such a Space. Static ones are free, a user's ZeroGPU too."""
    is_user = namespace in hub.accounts.users
    if hardware not in FREE and not hub.spaces.can_pay:
        raise PaymentRequired(NO_CREDITS)
    is_free = sdk == "static" or (hardware == "zero-a10g" and is_user) or hardware not in FREE
    if is_free or hub.accounts.plans.get(namespace) in PAYING_PLANS:
        return
    plan = "a PRO subscription. Subscribe at https://huggingface.co/pro"
    if not is_user:
        plan = "a Team or Enterprise plan. Subscribe at https://huggingface.co/enterprise"
    raise PaymentRequired(f"{ONLY_STATIC_ONES} requires {plan}")


ONLY_STATIC_ONES = (
    "Static Spaces are free for everyone, but hosting Gradio and Docker Spaces on free cpu-basic"
)
NO_CREDITS = (
    "You must add a payment method to your account to upgrade your space's hardware. "
    "Visit your billing settings to add one: https://huggingface.co/settings/billing"
)


async def delete(request: Request) -> Response:
    name = named(request, await json_of(request))
    check_may_write(request, name)
    hub_of(request).delete(name)
    return JSONResponse({})


async def move(request: Request) -> Response:
    body = await json_of(request)
    type: RepoType = body.get("type") or "model"
    old, new = RepoName(type, str(body.get("fromRepo"))), RepoName(type, str(body.get("toRepo")))
    for name in (old, new):
        check_may_write(request, name)
    hub_of(request).rename(old.type, old.id, new.id)
    return JSONResponse({})


async def settings(request: Request) -> Response:
    repository, body = writable_repository_of(request), await json_of(request)
    if "gated" in body:
        repository.gated = body["gated"]
    if "visibility" in body:
        repository.private = body["visibility"] == "private"
    if "private" in body:
        repository.private = body["private"]
    return JSONResponse({"gated": repository.gated, "private": repository.private})


async def auth_check(request: Request) -> Response:
    """Whether the caller may read the files."""
    readable_repository_of(request)
    return JSONResponse({})


async def auth_check_write(request: Request) -> Response:
    """Whether the caller may change the repository."""
    writable_repository_of(request)
    return JSONResponse({})


ROUTES = [
    Endpoint("POST", "/api/repos/create", create),
    Endpoint("DELETE", "/api/repos/delete", delete),
    Endpoint("POST", "/api/repos/move", move),
    Endpoint("PUT", "/api/{repo:api}/settings", settings),
    Endpoint("GET", "/api/{repo:api}/auth-check", auth_check),
    Endpoint("GET", "/api/{repo:api}/auth-check/write", auth_check_write),
]

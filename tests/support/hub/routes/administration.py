"""Creating, deleting, renaming and setting up repositories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..refusals import BadRequest
from ..repository import RepoName, RepoType
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
    hub.add(name, private=body.get("visibility") == "private" or bool(body.get("private")))
    answer = {"url": f"{hub.url}/{name.path}", "name": name.id, "id": hub_id(*name)}
    return JSONResponse(answer)


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

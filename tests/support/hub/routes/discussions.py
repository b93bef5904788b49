"""Discussions of repositories: who may read one may write in them, unless the owner switched them off."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..accounts import Role, Token
from ..refusals import BadRequest, Forbidden, RepositoryNotFound
from ..repository import Repository
from .endpoint import Endpoint
from .lookup import caller_of, json_of, repository_of
from .notation import hub_id, time_text

PERMISSION = "discussion.write"
AT_ONCE = 50
"""How many one page of the list has."""


def may_discuss(token: Token) -> bool:
    """Whether a token is for writing in discussions of others' repositories."""
    if token.role == Role.FINE_GRAINED:
        return any(PERMISSION in permissions for permissions in token.permissions.values())
    return token.role == Role.WRITE


def discussed(request: Request) -> tuple[Repository, Token]:
    """The repository, for who may write in its discussions. Raises Forbidden."""
    repository, token = repository_of(request), caller_of(request)
    if not may_discuss(token):
        raise Forbidden("Your token has no access to discussions.")
    if not repository.discusses:
        raise Forbidden("Discussions are disabled for this repo")
    return repository, token


def comment(token: Token, text: str, number: int) -> dict[str, Any]:
    """A comment, as one event of a discussion."""
    return {
        "id": hub_id("event", f"{number}-{text}"),
        "type": "comment",
        "createdAt": time_text(datetime.now(UTC)),
        "author": {"name": token.user.name},
        "data": {"edited": False, "hidden": False, "latest": {"raw": text}},
    }


async def create(request: Request) -> Response:
    repository, token = discussed(request)
    body = await json_of(request)
    if not str(body.get("title", "")).strip() or body.get("pullRequest"):
        raise BadRequest("A discussion needs a title")
    number = len(repository.discussions) + 1
    repository.discussions.append(
        {
            "num": number,
            "title": body["title"],
            "author": {"name": token.user.name},
            "createdAt": time_text(datetime.now(UTC)),
            "status": "open",
            "repo": {"name": repository.name.id, "type": repository.name.type},
            "isPullRequest": False,
            "events": [comment(token, str(body.get("description", "")), number)],
        }
    )
    return JSONResponse({"num": number, "pullRequest": False})


async def listed(request: Request) -> Response:
    repository, query = repository_of(request), request.query_params
    found = [
        {name: value for name, value in each.items() if name != "events"}
        for each in reversed(repository.discussions)
        if query.get("author") in (None, each["author"]["name"])
    ]
    start = int(query.get("p", 0)) * AT_ONCE
    page = found[start : start + AT_ONCE]
    return JSONResponse({"discussions": page, "count": len(found), "start": start})


def one_of(request: Request, repository: Repository) -> dict[str, Any]:
    """The discussion that a path names. Raises RepositoryNotFound."""
    number = int(request.path_params["number"])
    found = [each for each in repository.discussions if each["num"] == number]
    if not found:
        raise RepositoryNotFound
    return found[0]


async def details(request: Request) -> Response:
    return JSONResponse(one_of(request, repository_of(request)))


async def add(request: Request) -> Response:
    repository, token = discussed(request)
    discussion = one_of(request, repository)
    new = comment(token, str((await json_of(request)).get("comment", "")), len(discussion["events"]) + 1000)
    discussion["events"].append(new)
    return JSONResponse({"newMessage": new})


ROUTES = [
    Endpoint("GET", "/api/{repo:api}/discussions", listed),
    Endpoint("POST", "/api/{repo:api}/discussions", create),
    Endpoint("GET", "/api/{repo:api}/discussions/{number:int}", details),
    Endpoint("POST", "/api/{repo:api}/discussions/{number:int}/comment", add),
]

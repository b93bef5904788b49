"""The history of a repository, its branches and tags."""

from __future__ import annotations

import html
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..git_objects import Commit
from ..history import BRANCH, MAIN, PULL_REQUEST, TAG, CommitText, History
from ..refusals import BadRequest
from .endpoint import Endpoint
from .lookup import (
    caller_of,
    commit_of,
    flag,
    hub_of,
    json_of,
    repository_of,
    writable_repository_of,
)
from .notation import time_text
from .pages import page

PAGE, LARGEST_PAGE = 50, 1000
"""Commits of one answer: as long as nothing else is asked for, and at most."""


async def commits(request: Request) -> Response:
    """The commits that led to a revision, the newest first."""
    repository = repository_of(request)
    found = list(repository.history.before(commit_of(request, repository)))
    shown, headers = page(request, found, LARGEST_PAGE, unasked=PAGE)
    formatted = "formatted" in request.query_params.getlist("expand[]")
    avatar = f"{hub_of(request).url}/avatars/0.svg"
    answer = [described(commit, avatar, formatted=formatted) for commit in shown]
    return JSONResponse(answer, headers={**headers, "X-Total-Count": str(len(found))})


def described(commit: Commit, avatar: str, *, formatted: bool) -> dict[str, Any]:
    """A commit as the API has it."""
    texts = {"title": commit.title, "message": commit.message}
    as_html = {name: html.escape(text) for name, text in texts.items()}
    return {
        "id": commit.id,
        **texts,
        "authors": [{"user": commit.author, "avatar": avatar}],
        "date": time_text(commit.date),
        **({"formatted": as_html} if formatted else {}),
    }


async def refs(request: Request) -> Response:
    """All branches and tags, and pull requests if they are asked for."""
    history = repository_of(request).history
    answer = {"branches": pointers(history, BRANCH), "tags": pointers(history, TAG), "converts": []}
    if flag(request.query_params.get("include_prs")):
        answer["pullRequests"] = pointers(history, PULL_REQUEST)
    return JSONResponse(answer)


def pointers(history: History, kind: str) -> list[dict[str, str]]:
    """The references of a kind."""
    return [
        {"name": ref.removeprefix(kind), "ref": ref, "targetCommit": id}
        for ref, id in list(history.refs.items())
        if ref.startswith(kind)
    ]


async def create_branch(request: Request) -> Response:
    repository, body = writable_repository_of(request), await json_of(request)
    repository.history.point(f"{BRANCH}{request.path_params['branch']}", body.get("startingPoint") or MAIN)
    return JSONResponse({"success": True})


async def delete_branch(request: Request) -> Response:
    writable_repository_of(request).history.forget(f"{BRANCH}{request.path_params['branch']}")
    return JSONResponse({"success": True})


async def create_tag(request: Request) -> Response:
    repository, body = writable_repository_of(request), await json_of(request)
    if not isinstance(tag := body.get("tag"), str):
        raise BadRequest("A tag needs a name")
    repository.history.point(f"{TAG}{tag}", request.path_params["revision"])
    return JSONResponse({"success": True})


async def delete_tag(request: Request) -> Response:
    writable_repository_of(request).history.forget(f"{TAG}{request.path_params['revision']}")
    return JSONResponse({"success": True})


async def super_squash(request: Request) -> Response:
    """Make one commit of a branch."""
    repository, body = writable_repository_of(request), await json_of(request)
    text = CommitText(title=str(body.get("message") or "Squash"), author=caller_of(request).user.name)
    repository.history.squash(request.path_params["branch"], text)
    return JSONResponse({"success": True})


ROUTES = [
    Endpoint("GET", "/api/{repo:api}/commits/{revision:revision}", commits),
    Endpoint("GET", "/api/{repo:api}/refs", refs),
    Endpoint("POST", "/api/{repo:api}/branch/{branch:revision}", create_branch),
    Endpoint("DELETE", "/api/{repo:api}/branch/{branch:revision}", delete_branch),
    Endpoint("POST", "/api/{repo:api}/tag/{revision:revision}", create_tag),
    Endpoint("DELETE", "/api/{repo:api}/tag/{revision:revision}", delete_tag),
    Endpoint("POST", "/api/{repo:api}/super-squash/{branch:revision}", super_squash),
]

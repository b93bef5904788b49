"""What a request is about: who asks, and which repository at which revision; or why they may not."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from ..accounts import Token, may_download, may_see, may_write
from ..git_objects import Commit
from ..refusals import (
    BadRequest,
    Forbidden,
    GatedRepository,
    InvalidToken,
    Moved,
    RepositoryNotFound,
    Unauthorized,
)
from ..repository import RepoName, Repository
from ..state import Hub


def hub_of(request: Request) -> Hub:
    """The Hub that is asked."""
    hub: Hub = request.app.state.hub
    return hub


def token_of(request: Request) -> Token | None:
    """The token of who asks; None for who is not logged in. Raises InvalidToken."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    token = hub_of(request).accounts.token_in(header)
    if token is None:
        raise InvalidToken("Invalid credentials in Authorization header")
    return token


def caller_of(request: Request) -> Token:
    """The token of who asks, where that is not for everybody. Raises InvalidToken and Unauthorized."""
    token = token_of(request)
    if token is None:
        raise Unauthorized
    return token


def repository_of(request: Request) -> Repository:
    """The repository, for who may see it. Raises Unauthorized, RepositoryNotFound, or Moved."""
    token, name = token_of(request), request.path_params["repo"]
    repository = hub_of(request).find(name)
    if repository is None or not may_see(token, repository):
        raise RepositoryNotFound if token else Unauthorized
    if repository.name != name:
        path = request.url.path.replace(name.id, repository.name.id, 1)
        raise Moved(f"{path}?{request.url.query}" if request.url.query else path)
    return repository


def readable_repository_of(request: Request) -> Repository:
    """The repository, for who may read its files."""
    repository, token = repository_of(request), token_of(request)
    if repository.disabled:
        raise Forbidden("Access to this resource is disabled.")
    if not may_download(token, repository):
        raise GatedRepository(f"{repository.name.type} {repository.name.id}", logged_in=token is not None)
    return repository


def writable_repository_of(request: Request) -> Repository:
    """The repository, for who may change it."""
    repository = repository_of(request)
    check_may_write(request, repository.name)
    return repository


def check_may_write(request: Request, name: RepoName, *, hint: str = "Authorization error.") -> Token:
    """The token, if it may create or change such a repository. Raises Unauthorized and Forbidden."""
    token = caller_of(request)
    if not may_write(token, name):
        raise Forbidden(hint)
    return token


def commit_of(request: Request, repository: Repository) -> Commit:
    """The commit at the revision that the URL names. Raises RevisionNotFound."""
    return repository.history.at(request.path_params["revision"])


async def json_of(request: Request) -> dict[str, Any]:
    """The object that is sent, empty if nothing is. Raises BadRequest."""
    try:
        body = await request.json() if await request.body() else {}
    except ValueError as error:
        raise BadRequest(f"Invalid JSON: {error}") from error
    if not isinstance(body, dict):
        raise BadRequest("Invalid JSON: not an object")
    return body


def flag(value: object) -> bool:
    """Clients write booleans as JSON, `true`, `True` or `1`."""
    return str(value).lower() in ("true", "1")

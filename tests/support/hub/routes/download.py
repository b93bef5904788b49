"""Reading one file."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ..calls import Kind
from ..git_objects import Blob, Commit
from ..refusals import EntryNotFound
from ..repository import Repository
from .endpoint import Endpoint
from .large_files import storage_url
from .lookup import commit_of, hub_of, readable_repository_of
from .ranges import ranged

TEXT = "text/plain; charset=utf-8"


async def resolve(request: Request) -> Response:
    """A file, or where its content is kept if it is large."""
    repository, commit, blob = file_of(request)
    if not blob.large:
        return as_git_has_it(request, commit, blob)
    url, etag = storage_url(hub_of(request), repository, blob.large.sha256), f'"{blob.large.sha256}"'
    headers = {
        "X-Repo-Commit": commit.id,
        "ETag": etag,
        "X-Linked-ETag": etag,
        "X-Linked-Size": str(blob.large.size),
        "Accept-Ranges": "bytes",
        "Location": url,
    }
    return Response(f"Found. Redirecting to {url}", 302, headers)


async def raw(request: Request) -> Response:
    """A file, or its pointer if it is large."""
    _, commit, blob = file_of(request)
    return as_git_has_it(request, commit, blob)


def file_of(request: Request) -> tuple[Repository, Commit, Blob]:
    """The file that the URL names, for who may read it. Raises EntryNotFound."""
    repository = readable_repository_of(request)
    commit = commit_of(request, repository)
    blob = commit.tree.find(request.path_params["path"])
    if not isinstance(blob, Blob):
        raise EntryNotFound("Entry not found", headers={"X-Repo-Commit": commit.id})
    return repository, commit, blob


def as_git_has_it(request: Request, commit: Commit, blob: Blob) -> Response:
    """The file's content, or its pointer's."""
    return ranged(request, blob.content, {"X-Repo-Commit": commit.id, "ETag": f'"{blob.id}"'}, TEXT)


ROUTES = [
    Endpoint("GET", "/{repo:site}/resolve/{revision:revision}/{path:file}", resolve, Kind.RESOLVE),
    Endpoint("GET", "/{repo:site}/raw/{revision:revision}/{path:file}", raw, Kind.RESOLVE),
]

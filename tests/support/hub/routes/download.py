"""Reading one file."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ..calls import Kind
from ..git_objects import Blob
from ..refusals import EntryNotFound
from .large_files import storage_url
from .lookup import Endpoint, commit_of, hub_of, readable_repository_of
from .ranges import ranged

TEXT = "text/plain; charset=utf-8"


async def resolve(request: Request) -> Response:
    """A file, or where its content is kept if it is large."""
    repository = readable_repository_of(request)
    commit = commit_of(request, repository)
    blob = commit.tree.find(request.path_params["path"])
    headers = {"X-Repo-Commit": commit.id}
    if not isinstance(blob, Blob):
        raise EntryNotFound("Entry not found", headers=headers)
    if not blob.large:
        return ranged(request, blob.content, {**headers, "ETag": f'"{blob.id}"'}, TEXT)
    headers |= {
        "ETag": f'"{blob.large.sha256}"',
        "X-Linked-ETag": f'"{blob.large.sha256}"',
        "X-Linked-Size": str(blob.large.size),
        "Accept-Ranges": "bytes",
        "Location": storage_url(hub_of(request), repository, blob.large.sha256),
    }
    return Response(f"Found. Redirecting to {headers['Location']}", 302, headers)


async def raw(request: Request) -> Response:
    """A file as git has it: of a large one its pointer."""
    repository = readable_repository_of(request)
    commit = commit_of(request, repository)
    blob = commit.tree.find(request.path_params["path"])
    headers = {"X-Repo-Commit": commit.id}
    if not isinstance(blob, Blob):
        raise EntryNotFound("Entry not found", headers=headers)
    return ranged(request, blob.content, {**headers, "ETag": f'"{blob.id}"'}, TEXT)


ROUTES = [
    Endpoint("GET", "/{repo:site}/resolve/{revision:revision}/{path:file}", resolve, Kind.RESOLVE),
    Endpoint("GET", "/{repo:site}/raw/{revision:revision}/{path:file}", raw, Kind.RESOLVE),
]

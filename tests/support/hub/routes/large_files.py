"""Large files: negotiating an upload with Git LFS, and the storage that has them, on a host of its own."""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..calls import Kind
from ..refusals import BadRequest, EntryNotFound
from ..repository import Repository
from ..state import Hub
from .endpoint import Endpoint
from .lookup import hub_of, json_of, repository_of, writable_repository_of
from .ranges import ranged

LFS_JSON = "application/vnd.git-lfs+json"


def storage_url(hub: Hub, repository: Repository, sha256: str) -> str:
    """Where a large file is kept. For clients `localhost` is another host, which does not get their token."""
    host = hub.url.replace("127.0.0.1", "localhost")
    return f"{host}/_storage/{repository.name.type}s/{repository.name.id}/{sha256}"


async def lfs_batch(request: Request) -> Response:
    """Where to upload which of these files. Those without an action are there already."""
    repository, hub = writable_repository_of(request), hub_of(request)
    body = await json_of(request)
    objects = []
    for each in body.get("objects", []):
        answer = {"oid": each["oid"], "size": each["size"]}
        if each["oid"] not in repository.large_files:
            verify = f"{hub.url}/{repository.name.path}.git/info/lfs/objects/verify"
            answer["actions"] = {
                "upload": {"href": storage_url(hub, repository, each["oid"]), "header": {}},
                "verify": {"href": verify, "header": {}},
            }
        objects.append(answer)
    return JSONResponse({"transfer": "basic", "objects": objects}, media_type=LFS_JSON)


async def lfs_verify(request: Request) -> Response:
    """Whether an upload arrived."""
    repository, body = repository_of(request), await json_of(request)
    data = repository.large_files.get(str(body.get("oid")))
    if data is None or len(data) != body.get("size"):
        raise EntryNotFound("Object does not exist")
    return JSONResponse({}, media_type=LFS_JSON)


async def store(request: Request) -> Response:
    """Take in a file, which must be the one that was announced."""
    data, sha256 = await request.body(), request.path_params["sha256"]
    if hashlib.sha256(data).hexdigest() != sha256:
        raise BadRequest("The content does not have this SHA-256")
    stored_in(request).large_files[sha256] = data
    return Response(headers={"ETag": f'"{sha256}"'})


async def fetch(request: Request) -> Response:
    """Give out a file."""
    sha256 = request.path_params["sha256"]
    data = stored_in(request).large_files.get(sha256)
    if data is None:
        raise EntryNotFound("Entry not found")
    return ranged(request, data, {"ETag": f'"{sha256}"'})


def stored_in(request: Request) -> Repository:
    """The repository of a storage URL. Who knows the URL needs no token, as if it were signed."""
    repository = hub_of(request).find(request.path_params["repo"])
    if repository is None:
        raise EntryNotFound("Entry not found")
    return repository


ROUTES = [
    Endpoint("POST", "/{repo:site}.git/info/lfs/objects/batch", lfs_batch),
    Endpoint("POST", "/{repo:site}.git/info/lfs/objects/verify", lfs_verify),
    Endpoint("PUT", "/_storage/{repo:api}/{sha256}", store, Kind.STORAGE),
    Endpoint("GET", "/_storage/{repo:api}/{sha256}", fetch, Kind.STORAGE),
]

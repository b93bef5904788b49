"""The files and folders of a revision."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..git_objects import Blob, Commit, Tree
from ..refusals import EntryNotFound
from ..repository import Repository
from .endpoint import Endpoint
from .lookup import commit_of, flag, json_of, repository_of
from .notation import time_text
from .pages import page

PAGE, EXPANDED_PAGE = 1000, 50
"""Entries on a page; expanded, each costs a look into the history."""


async def tree(request: Request) -> Response:
    repository, path = repository_of(request), request.path_params.get("path", "").strip("/")
    commit = commit_of(request, repository)
    folder = commit.tree.find(path)
    if not isinstance(folder, Tree):
        raise EntryNotFound(f"{path} does not exist")
    expand = flag(request.query_params.get("expand"))
    entries = listing(folder, recursive=flag(request.query_params.get("recursive")))
    found, headers = page(request, entries, EXPANDED_PAGE if expand else PAGE)
    prefix = f"{path}/" if path else ""
    described = [describe(f"{prefix}{inner}", entry) for inner, entry in found]
    if expand:
        described = [with_last_commit(each, repository, commit) for each in described]
    return JSONResponse(described, headers=headers)


@lru_cache(maxsize=4)
def listing(folder: Tree, *, recursive: bool) -> list[tuple[str, Blob | Tree]]:
    """What is in a folder. It never changes, and is asked for page by page."""
    return list(folder.walk(recursive=recursive))


async def paths_info(request: Request) -> Response:
    """Of those paths that exist."""
    repository = repository_of(request)
    commit = commit_of(request, repository)
    paths, expand = await paths_of(request)
    entries = {path: commit.tree.find(path) for path in paths}
    described = [describe(path, entry) for path, entry in entries.items() if path and entry]
    if expand:
        described = [with_last_commit(each, repository, commit) for each in described]
    return JSONResponse(described)


async def paths_of(request: Request) -> tuple[Iterable[str], bool]:
    """The paths, and whether their last commits are wanted. Python sends a form, JavaScript JSON."""
    if request.headers.get("content-type", "").startswith("application/json"):
        body = await json_of(request)
        return body.get("paths", []), flag(body.get("expand"))
    form = parse_qs((await request.body()).decode())
    return form.get("paths", []), flag(form.get("expand", [""])[0])


def describe(path: str, entry: Blob | Tree) -> dict[str, Any]:
    """A file or a folder as the API has it."""
    if isinstance(entry, Tree):
        return {"type": "directory", "oid": entry.id, "size": 0, "path": path}
    file: dict[str, Any] = {"type": "file", "oid": entry.id, "size": entry.size, "path": path}
    if large := entry.large:
        file["lfs"] = {"oid": large.sha256, "size": large.size, "pointerSize": len(entry.content)}
    return file


def with_last_commit(description: dict[str, Any], repository: Repository, commit: Commit) -> dict[str, Any]:
    """And with the commit that made it what it is."""
    last = repository.history.last_change(commit, description["path"])
    return {
        **description,
        "lastCommit": {"id": last.id, "title": last.title, "date": time_text(last.date)},
    }


ROUTES = [
    Endpoint("GET", "/api/{repo:api}/tree/{revision:revision}", tree),
    Endpoint("GET", "/api/{repo:api}/tree/{revision:revision}/{path:file}", tree),
    Endpoint("POST", "/api/{repo:api}/paths-info/{revision:revision}", paths_info),
]

"""Committing: how each file is to be sent, and the commit itself."""

from __future__ import annotations

import base64
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..accounts import Role, Token
from ..edits import DeleteFile, DeleteFolder, Edit, PutFile
from ..git_objects import Blob, LargeFile
from ..history import CommitText
from ..refusals import BadRequest, Forbidden
from ..repository import Repository, belongs_in_lfs, large_blob
from .endpoint import Endpoint
from .lookup import (
    caller_of,
    check_may_write,
    commit_of,
    flag,
    hub_of,
    json_of,
    repository_of,
)

NOT_YOURS = "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request"
DANGLING = (
    "Your push was rejected because an LFS pointer pointed to a file that does not exist. Offending file: "
)


def target_of(request: Request) -> tuple[Repository, Token]:
    """The repository to commit to, and by whom. Who cannot write to it may still open a pull request."""
    repository = repository_of(request)
    if not is_pull_request(request):
        return repository, check_may_write(request, repository.name, hint=NOT_YOURS)
    token = caller_of(request)
    if token.role == Role.READ:
        raise Forbidden(NOT_YOURS)
    return repository, token


def is_pull_request(request: Request) -> bool:
    return flag(request.query_params.get("create_pr"))


async def preupload(request: Request) -> Response:
    """Whether each file belongs into Git LFS, and what is there now: the same is not sent again."""
    repository, _ = target_of(request)
    commit, body = commit_of(request, repository), await json_of(request)
    files = []
    for file in body.get("files", []):
        match file:
            case {"path": str(path), "size": int(size)}:
                large = belongs_in_lfs(base64.b64decode(file.get("sample", "")), size)
                answer: dict[str, Any] = {"path": path, "uploadMode": "lfs" if large else "regular"}
                files.append(answer | {"shouldIgnore": False} | present_id(commit.tree.find(path)))
            case _:
                raise BadRequest(f"Not a file: {file}")
    return JSONResponse({"commitOid": commit.id, "files": files})


def present_id(entry: object) -> dict[str, str]:
    """SHA-256 for a file in Git LFS, git's id for another, nothing if there is none."""
    if not isinstance(entry, Blob):
        return {}
    return {"oid": entry.large.sha256 if entry.large else entry.id}


async def commit(request: Request) -> Response:
    repository, token = target_of(request)
    header, edits = read_lines(repository, await request.body())
    text = CommitText(
        title=str(header.get("summary") or "Update"),
        message=str(header.get("description") or ""),
        author=token.user.name,
    )
    history, revision = repository.history, request.path_params["revision"]
    parent = header.get("parentCommit")
    page = f"{hub_of(request).url}/{repository.name.path}"
    answer = {"success": True, "hookOutput": ""}
    if is_pull_request(request):
        number, made = history.open_pull_request(parent or revision, edits, text)
        answer["pullRequestUrl"] = f"{page}/discussions/{number}"
    else:
        made = repository.built(history.commit(revision, edits, text, parent=parent))
    return JSONResponse(answer | {"commitOid": made.id, "commitUrl": f"{page}/commit/{made.id}"})


def read_lines(repository: Repository, body: bytes) -> tuple[dict[str, Any], list[Edit]]:
    """The header and the edits of a commit, which is sent as one JSON object per line."""
    header: dict[str, Any] = {}
    edits: list[Edit] = []
    try:
        lines = [json.loads(line) for line in body.splitlines() if line.strip()]
        for line in lines:
            match line:
                case {"key": "header", "value": dict()}:
                    header = line["value"]
                case {"key": str(key), "value": {"path": str(path)}}:
                    edits.append(read_edit(repository, key, path, line["value"]))
                case _:
                    raise BadRequest(f"Not a line of a commit: {line}")
    except ValueError as error:
        raise BadRequest(f"Not a line of a commit: {error}") from error
    return header, edits


def read_edit(repository: Repository, key: str, path: str, value: dict[str, Any]) -> Edit:
    """One line. Raises BadRequest for an unknown key, and for a large file that was not uploaded before."""
    match key, value:
        case "file", {"content": str(content)}:
            is_text = value.get("encoding") == "utf-8"
            return PutFile(path, Blob(content.encode() if is_text else base64.b64decode(content)))
        case "lfsFile", {"oid": str(sha256)}:
            if sha256 not in repository.large_files:
                raise BadRequest(DANGLING + path)
            return PutFile(path, large_blob(LargeFile(sha256, len(repository.large_files[sha256]))))
        case "deletedFile", _:
            return DeleteFile(path)
        case "deletedFolder", _:
            return DeleteFolder(path.rstrip("/"))
    raise BadRequest(f"Not a line of a commit: {key}")


ROUTES = [
    Endpoint("POST", "/api/{repo:api}/preupload/{revision:revision}", preupload),
    Endpoint("POST", "/api/{repo:api}/commit/{revision:revision}", commit),
]

"""What is known of a repository at a revision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..card import card_of
from ..git_objects import Blob, Commit
from ..history import MAIN
from ..model_facts import (
    base_models_of,
    config_of,
    library_of,
    pipeline_of,
    safetensors_of,
    tags_of,
)
from ..repository import Repository
from .endpoint import Endpoint
from .lookup import flag, hub_of, repository_of
from .notation import hub_id, time_text

Field = Callable[[Repository, Commit], Any]

FIELDS: dict[str, Field] = {
    "author": lambda repository, commit: repository.name.namespace,
    "sha": lambda repository, commit: commit.id,
    "lastModified": lambda repository, commit: time_text(commit.date),
    "createdAt": lambda repository, commit: time_text(repository.created),
    "private": lambda repository, commit: repository.private,
    "gated": lambda repository, commit: repository.gated,
    "disabled": lambda repository, commit: repository.disabled,
    "downloads": lambda repository, commit: repository.downloads,
    "likes": lambda repository, commit: repository.likes,
    "tags": tags_of,
    "cardData": card_of,
    "siblings": lambda repository, commit: siblings(repository, commit),
    "usedStorage": lambda repository, commit: commit.tree.size,
}

FIELDS_OF_MODELS: dict[str, Field] = {
    "library_name": library_of,
    "pipeline_tag": pipeline_of,
    "config": config_of,
    "safetensors": safetensors_of,
}

FIELDS_OF_SPACES: dict[str, Field] = {
    "sdk": lambda repository, commit: repository.space and repository.space.sdk,
    "subdomain": lambda repository, commit: repository.space and repository.space.subdomain,
    "runtime": lambda repository, commit: repository.space and repository.space.runtime(),
}

FIELDS_ON_DEMAND: dict[str, Field] = {"baseModels": base_models_of}
"""Of models, and only in answers that are asked for them."""


async def info(request: Request) -> Response:
    """All fields, or only those that `expand` names. What is unknown is left out."""
    repository = repository_of(request)
    commit = repository.history.at(request.path_params.get("revision", MAIN))
    is_model = repository.name.type == "model"
    fields = {**FIELDS, **FIELDS_OF_MODELS} if is_model else dict(FIELDS)
    if repository.space:
        fields |= FIELDS_OF_SPACES
    if wanted := {*request.query_params.getlist("expand"), *request.query_params.getlist("expand[]")}:
        known = {**fields, **FIELDS_ON_DEMAND} if is_model else fields
        fields = {name: known[name] for name in known if name in wanted}
    elif flag(request.query_params.get("blobs")):
        fields["siblings"] = siblings_with_blobs
    values = {name: field(repository, commit) for name, field in fields.items()}
    answer = {"_id": hub_id(*repository.name), "id": repository.name.id}
    if is_model:
        answer["modelId"] = repository.name.id
    if repository.space and not wanted:
        answer["host"] = repository.space.host(hub_of(request).url)
    return JSONResponse(answer | {name: value for name, value in values.items() if value is not None})


def siblings(repository: Repository, commit: Commit) -> list[dict[str, Any]]:
    """The names of all files."""
    return [{"rfilename": path} for path, entry in commit.tree.walk() if isinstance(entry, Blob)]


def siblings_with_blobs(repository: Repository, commit: Commit) -> list[dict[str, Any]]:
    """All files with their sizes and ids."""
    return [
        {"rfilename": path, "size": entry.size, "blobId": entry.id, **large_file(entry)}
        for path, entry in commit.tree.walk()
        if isinstance(entry, Blob)
    ]


def large_file(blob: Blob) -> dict[str, Any]:
    """What the list of files says in addition of a file in Git LFS."""
    if not blob.large:
        return {}
    return {
        "lfs": {"sha256": blob.large.sha256, "size": blob.large.size, "pointerSize": len(blob.content)},
    }


ROUTES = [
    Endpoint("GET", "/api/{repo:api}/revision/{revision:revision}", info),
    Endpoint("GET", "/api/{repo:api}", info),
]

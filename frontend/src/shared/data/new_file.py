"""The file of a request that has none yet."""

from __future__ import annotations

from collections.abc import Collection

from .names import free_path, request_path
from .request import Request


def path_for(wanted: Request, taken: Collection[str]) -> str:
    """Return the path of a new request. `taken` has the names of all files in use."""
    path = request_path(
        wanted.model,
        private=False,
        precision=wanted.precision,
        weight_type=wanted.weight_type,
        commit=wanted.commit,
        use_chat_template=wanted.use_chat_template,
    )
    return free_path(path, taken)

"""The files of datasets in local folders over HTTP: people look at them where the Hub would have a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from ..data.names import HIDDEN_FOLDERS, JOURNAL, LOCK, is_safe_path
from ..stores.folder_store import FolderStore
from ..stores.store import Store
from .doors import Door

NOT_FOUND = 404

OWN = "|".join(map(re.escape, HIDDEN_FOLDERS))
CLOSED = "|".join(map(re.escape, (LOCK, JOURNAL)))
PATH = rf"(?!/(?:{CLOSED})\Z)(?:/(?:{OWN}))?(?:/(?!\.)[\w .,:;=+@()\[\]-]+)+"
"""What follows the folder's address: nothing hidden except our own folders. The server decides which files it
serves.
"""


def file_routes(*stores: Store) -> list[Mount]:
    """The folder of each store that lies in one, at the address that it gives for its files."""
    return [
        Mount(f"/{store.web}", _VisibleFiles(directory=store.folder, check_dir=False))
        for store in _on_the_web(stores)
    ]


def file_doors(*stores: Store) -> list[Door]:
    """The doors that these files need."""
    reason = "the page links to files of the dataset"
    return [Door(("GET",), f"/{store.web}{PATH}", reason) for store in _on_the_web(stores)]


def _on_the_web(stores: Iterable[Store]) -> Iterator[FolderStore]:
    for store in stores:
        if isinstance(store, FolderStore) and store.web:
            yield store


class _VisibleFiles(StaticFiles):
    """Files that a dataset can have. No browser runs what strangers wrote into one: it shows texts as they
    are, and saves Parquet files.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        if not is_safe_path(path):
            raise HTTPException(NOT_FOUND)
        response = await super().get_response(path, scope)
        if path.endswith(".parquet"):
            response.headers["Content-Type"] = "application/vnd.apache.parquet"
            response.headers["Content-Disposition"] = "attachment"
        elif not response.headers.get("Content-Type", "").startswith("application/json"):
            response.headers["Content-Type"] = "text/plain; charset=utf-8"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

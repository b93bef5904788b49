"""The files of datasets in local folders over HTTP: people look at them where the Hub would have a page."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from .folder_store import FolderStore
from .names import is_safe_path
from .store import Store

NOT_FOUND = 404


def serve_files(site: Starlette, *stores: Store) -> None:
    """Serve the folder of each store that lies in one, at the address that it gives for its files."""
    for store in stores:
        if isinstance(store, FolderStore) and store.web:
            site.mount(f"/{store.web}", _VisibleFiles(directory=store.folder, check_dir=False))


class _VisibleFiles(StaticFiles):
    """Files that a dataset can have, as texts: no browser runs what others wrote into one."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if not is_safe_path(path):
            raise HTTPException(NOT_FOUND)
        response = await super().get_response(path, scope)
        if not response.headers.get("Content-Type", "").startswith("application/json"):
            response.headers["Content-Type"] = "text/plain; charset=utf-8"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

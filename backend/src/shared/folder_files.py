"""The files of datasets in local folders over HTTP: people look at them where the Hub would have a page."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.staticfiles import StaticFiles

from .folder_store import FolderStore
from .store import Store


def serve_files(site: Starlette, *stores: Store) -> None:
    """Serve the folder of each store that lies in one, at the address that it gives for its files."""
    for store in stores:
        if isinstance(store, FolderStore) and store.web:
            site.mount(f"/{store.web}", StaticFiles(directory=store.folder, check_dir=False))

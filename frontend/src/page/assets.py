"""The owner's pictures: files of the folder `assets/`, at `files/assets/NAME`."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from src.shared.serving.doors import FILE, Door

FOLDER = Path(__file__).parents[2] / "assets"

ADDRESS = "files/assets"
"""Relative to the page."""

KINDS = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
}
"""By the end of the name. An SVG is not served: it can run scripts on the page's own host."""

PICTURE = re.compile(rf"{FILE}\.(?:{'|'.join(KINDS)})")

NOT_FOUND = 404


def asset_doors(folder: Path = FOLDER) -> list[Door]:
    """The door to the pictures, if there are any."""
    if not pictures(folder):
        return []
    return [Door(("GET",), f"/{ADDRESS}/{PICTURE.pattern}", "the owner's pictures")]


def pictures(folder: Path = FOLDER) -> list[Path]:
    """Return the owner's pictures."""
    return sorted(filter(_is_picture, folder.glob("*")))


def asset_route(folder: Path = FOLDER) -> Mount:
    """The pictures in the folder, and nothing else in it."""
    return Mount(f"/{ADDRESS}", _Pictures(directory=folder, check_dir=False))


def _is_picture(file: Path) -> bool:
    return PICTURE.fullmatch(file.name) is not None and file.is_file() and not file.is_symlink()


class _Pictures(StaticFiles):
    """Pictures with the type that their names give, whatever they contain: no browser runs one as a page."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if not PICTURE.fullmatch(path) or (Path(str(self.directory)) / path).is_symlink():
            raise HTTPException(NOT_FOUND)
        response = await super().get_response(path, scope)
        response.headers["Content-Type"] = KINDS[path.rpartition(".")[2]]
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return response

"""Gradio's page without anything from other hosts: no fonts, and our own copy of the one script."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from gradio.routes import templates
from jinja2 import BaseLoader, Environment
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

SCRIPT = Path(__file__).parent / "scripts" / "iframeResizer.contentWindow.min.js"
"""Version 4.3.1, as Gradio's page wants it: it tells the Hub how high the frame around a Space must be."""

ADDRESS = "iframe-resizer.js"
"""Relative to the page."""

ELSEWHERE = re.compile(r'(?<=src=")https://cdnjs\.cloudflare\.com/[^"]*/iframeResizer[^"]*(?=")')
PRECONNECT = re.compile(r'<link\s+rel="preconnect"[^>]*>')


def stay_on_own_host() -> Route:
    """Have Gradio's page name no other host to load from, and return the route of what it needs.

    Call it before the launch: the first visitor's page is meant too. It changes the pages of all sites in the
    process.
    """
    loader = templates.env.loader
    if loader and not isinstance(loader, _Mended):
        templates.env.loader = _Mended(loader)

    async def script(_: Request) -> FileResponse:
        return FileResponse(SCRIPT, media_type="text/javascript")

    return Route(f"/{ADDRESS}", script, methods=["GET"])


class _Mended(BaseLoader):
    """Gradio's templates. Another version's, which may look different, stay as far as they do."""

    def __init__(self, loader: BaseLoader) -> None:
        self._loader = loader

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        text, *rest = self._loader.get_source(environment, template)
        return (PRECONNECT.sub("", ELSEWHERE.sub(f"./{ADDRESS}", text)), *rest)  # type: ignore[return-value]

"""The component's style sheet without the fonts in it: 1.4 of its 1.5 MB are letters for formulas."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from src.page.plain.kept import names
from src.page.table import COMPONENT, STYLE

ADDRESS = f"/gradio_api/custom_component/{COMPONENT}/client/component/style.css"

FONT = re.compile(r"@font-face\s*\{[^{}]*\}")
HEADERS = {"Cache-Control": "max-age=0, must-revalidate"}
"""As Gradio's own: the next version of the component has the same address."""

NOT_MODIFIED = 304


def table_style_routes(style: Path = STYLE) -> list[Route]:
    """The style sheet without fonts, in front of Gradio's route. Formulas are never shown.

    A component whose style sheet is elsewhere is left to Gradio.
    """
    if not style.is_file():
        return []
    text = without_fonts(style.read_text(encoding="utf-8"))
    headers = {**HEADERS, "ETag": f'"{hashlib.sha256(text.encode()).hexdigest()}"'}

    async def answer(request: Request) -> Response:
        if names(request.headers.get("if-none-match", ""), headers["ETag"]):
            return Response(status_code=NOT_MODIFIED, headers=headers)
        return Response(text, media_type="text/css", headers=headers)

    return [Route(ADDRESS, answer, methods=["GET"])]


def without_fonts(css: str) -> str:
    """Return a style sheet without its `@font-face` rules: the text is then shown in the page's own fonts."""
    return FONT.sub("", css)

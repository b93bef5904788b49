"""Runs the Space in the current folder as it was before it had doors, to show what they keep out."""

import runpy
import sys
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

sys.path[0] = str(Path.cwd())
doors: Any = __import__("src.shared.serving.doors", fromlist=["Doors"])


class NoDoors:
    """Lets every call through."""

    def __init__(self, app: ASGIApp, *_: object) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


doors.Doors = NoDoors
runpy.run_path("app.py", run_name="__main__")

"""Calls of a page's functions as anybody can make them, whatever the page itself would send."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import gradio as gr
import httpx

from src.shared.serving.calls.middleware import BOUNDS


class Caller:
    """Calls the functions of a page behind its door, in this process."""

    def __init__(self, page: gr.Blocks) -> None:
        options = {"middleware": [*BOUNDS]}
        self.page = page
        self.site = gr.routes.App.create_app(page, app_kwargs=options)
        self._transport = httpx.ASGITransport(self.site, raise_app_exceptions=False)

    @property
    def functions(self) -> dict[str, int]:
        """The number of each function by its name, the unlisted ones among them."""
        return {str(function.api_name): number for number, function in self.page.fns.items()}

    def call(self, function: str | int, *values: Any, **others: Any) -> httpx.Response:
        """Call a function by its name or number."""
        number = self.functions[function] if isinstance(function, str) else function
        return self.post("/gradio_api/run/predict", {"data": values, "fn_index": number, **others})

    def post(self, path: str, body: object) -> httpx.Response:
        """Send anything to any path."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return asyncio.run(self._send("POST", path, content))

    def get(self, path: str) -> httpx.Response:
        """Look at any path."""
        return asyncio.run(self._send("GET", path, b""))

    async def _send(self, method: str, path: str, content: bytes) -> httpx.Response:
        headers = {"content-type": "application/json"}
        async with httpx.AsyncClient(transport=self._transport, base_url="http://page") as client:
            return await client.request(method, path, content=content, headers=headers)

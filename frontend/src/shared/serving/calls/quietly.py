"""The site around a page, without a page of its log for each call of what is not there."""

from __future__ import annotations

import logging

from gradio.route_utils import FnIndexInferError
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

NO_FUNCTION = "There is no such function."


class Quietly:
    """Passes calls on, and ends what fails because somebody asked for what is not there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the site does, and end an answer that it breaks off."""
        is_begun = False

        async def begin(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            await self._app(scope, receive, begin)
        except Exception as error:
            if is_begun and scope["type"] == "http":
                log.debug("an answer at %s was broken off: %s", scope["path"], error)
                await send({"type": "http.response.body"})
            elif isinstance(error, FnIndexInferError):
                await JSONResponse({"detail": NO_FUNCTION}, 404)(scope, receive, send)
            else:
                raise

"""Slots: few of the simultaneous calls are processed, and the others wait in order.

Python computes one thing at a time. Without slots, a caller with many connections would slow down everybody
who only wants to see the page.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

from anyio import CapacityLimiter, create_task_group
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..doors import route_path

AT_ONCE = 1
MOST_WAITING = 500
"""The most calls that wait for a slot, each with what was sent. Further callers hear that
the page is busy.
"""

LONG_SECONDS, LONGEST_REST_SECONDS = 0.005, 0.25
"""After a call that took longer the next one waits as long again: the page has the processor meanwhile."""

CALLS = ("/gradio_api/run/", "/gradio_api/call/", "/gradio_api/queue/join")
BUSY = "The page is busy. Try again in a minute."


class Slot:
    """The slot of one call. It ends when the answer is made, or when the call waits for something else."""

    def __init__(self, limiter: CapacityLimiter) -> None:
        self._limiter: CapacityLimiter | None = limiter
        self._begun: float | None = None

    async def begin(self, receive: Receive) -> bool:
        """Wait until a slot is free, or until the client is gone: then there is none. Whether there is."""
        limiter = self._limiter
        assert limiter

        async def leave_with_the_client() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            waiting.cancel_scope.cancel()

        async with create_task_group() as waiting:
            waiting.start_soon(leave_with_the_client)
            await limiter.acquire_on_behalf_of(self)
            self._begun = asyncio.get_running_loop().time()
            waiting.cancel_scope.cancel()
        return self._begun is not None

    def end(self) -> None:
        """Leave the slot to the next, at once or after a rest."""
        limiter, self._limiter = self._limiter, None
        if limiter is None or self._begun is None:
            return
        loop = asyncio.get_running_loop()
        took = loop.time() - self._begun
        if took > LONG_SECONDS and limiter.statistics().tasks_waiting:
            loop.call_later(min(took, LONGEST_REST_SECONDS), limiter.release_on_behalf_of, self)
        else:
            limiter.release_on_behalf_of(self)


_slot: ContextVar[Slot | None] = ContextVar("slot", default=None)


def leave_slot() -> None:
    """End the slot of the present call, if it has one: from now on it waits, and needs no processor."""
    slot = _slot.get()
    if slot:
        slot.end()


class Slots:
    """ASGI middleware that gives the calls of a page's functions their slots.

    All that was sent is there before a slot begins, and it ends before the answer is sent: nobody holds one
    by being slow. How much may be sent the doors before it have decided.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._limiter: CapacityLimiter | None = None  # made at the first call: it belongs to the event loop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call once it has a slot, and everything else at once."""
        if scope["type"] != "http" or scope["method"] != "POST" or not route_path(scope).startswith(CALLS):
            await self._app(scope, receive, send)
            return
        body: bytes | None = await _all_that_is_sent(receive)
        if body is None:
            return
        limiter = self._limiter = self._limiter or CapacityLimiter(AT_ONCE)
        if limiter.statistics().tasks_waiting >= MOST_WAITING:
            await JSONResponse({"detail": BUSY}, 503)(scope, receive, send)
            return
        slot = Slot(limiter)
        if not await slot.begin(receive):
            return
        _slot.set(slot)

        async def receive_again() -> Message:
            nonlocal body
            if body is None:
                return await receive()
            message, body = {"type": "http.request", "body": body, "more_body": False}, None
            return message

        async def end_and_send(message: Message) -> None:
            slot.end()
            await send(message)

        try:
            await self._app(scope, receive_again, end_and_send)
        finally:
            slot.end()


async def _all_that_is_sent(receive: Receive) -> bytes | None:
    """The body of a call, however it came in pieces; None when the client is gone before its end."""
    body = bytearray()
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)
    return None

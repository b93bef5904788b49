"""How a call is made to fail: an answer instead of the endpoint's, or a connection that really breaks."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from .budget import Allowance
from .calls import Kind
from .faults import Fault
from .refusals import RateLimited, StaleParent

A_SHORT_WAIT = Allowance(Kind.API, limit=1000, remaining=-1, resets_in=1)
"""So that a client that obeys is back in a moment."""


class BreakableConnection(H11Protocol):
    """A connection of uvicorn's, which the application can break: it finds the transport in its state."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def broken(app: ASGIApp, fault: Fault, *, slow_seconds: float) -> ASGIApp:
    """An endpoint that fails. It does all the same what it is for if that belongs to the fault."""
    match fault:
        case Fault.RATE_LIMITED:
            return answering(RateLimited(A_SHORT_WAIT.headers).answer())
        case Fault.STALE_PARENT:
            return answering(StaleParent().answer())
        case Fault.SERVER_ERROR:
            return answering(JSONResponse({"error": "Internal Error"}, 500))
        case Fault.BAD_GATEWAY:
            return answering(Response("<h1>502 Bad Gateway</h1>", 502, media_type="text/html"))
        case Fault.UNAVAILABLE:
            return answering(Response("<h1>503 Service Unavailable</h1>", 503, media_type="text/html"))
        case Fault.LOST_REQUEST:
            return drop
        case Fault.LOST_ANSWER:
            return without_answer(app)
        case Fault.CUT_ANSWER:
            return with_half_an_answer(app)
        case Fault.SLOW:
            return late(app, slow_seconds)


def answering(response: Response) -> ASGIApp:
    """An endpoint that gives this answer, after it has heard the request to its end."""

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()
        await response(scope, receive, send)

    return endpoint


async def drop(scope: Scope, receive: Receive, send: Send) -> None:
    """Break the connection: who called gets no answer."""
    scope["state"]["transport"].abort()
    await _until_disconnected(receive)


def without_answer(app: ASGIApp) -> ASGIApp:
    """An endpoint that does its work, and then the connection breaks."""

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        async def swallow(message: Message) -> None:
            pass

        await app(scope, receive, swallow)
        await drop(scope, receive, send)

    return endpoint


def with_half_an_answer(app: ASGIApp) -> ASGIApp:
    """An endpoint that does its work, and in the middle of its answer the connection breaks."""

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_half(message: Message) -> None:
            if body := message.get("body"):
                message = {**message, "body": body[: len(body) // 2], "more_body": True}
            await send(message)
            if body:
                scope["state"]["transport"].close()

        await app(scope, receive, send_half)
        await _until_disconnected(receive)

    return endpoint


def late(app: ASGIApp, seconds: float) -> ASGIApp:
    """An endpoint that does its work at once, and answers late."""

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_late(message: Message) -> None:
            if message["type"] == "http.response.start":
                with suppress(TimeoutError):  # who does not wait for the answer need not be waited for
                    await asyncio.wait_for(_until_disconnected(receive), seconds)
            await send(message)

        await app(scope, receive, send_late)

    return endpoint


async def _until_disconnected(receive: Receive) -> None:
    """For uvicorn an endpoint that ends without an answer is a defect, unless nobody is there any more."""
    while (await receive())["type"] != "http.disconnect":
        pass

"""Compression of what Gradio sends as it is: the page, JSON, logs, and streams of events."""

from __future__ import annotations

import re
import zlib
from pathlib import PurePosixPath

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .doors import route_path

LEVEL = 4
"""A view of 100 rows and 30 tasks, 71 kB, becomes 13.5 kB in a millisecond; level 9 takes 8 for 12.5 kB."""

WINDOW, MEMORY = 14, 7
"""zlib's `wbits` and `memLevel`. An open stream of events holds 128 KiB with them, half of zlib's default."""

GZIP = 16
"""Added to zlib's window for the format of gzip."""

SMALLEST = 500
"""Bytes of a whole answer; a smaller one fits into one packet anyway."""

LARGE = 256 * 1024
"""Bytes of a piece that is compressed in a thread: all 5,000 rows would hold everybody up for a while."""

TEXTS = ("text/", "application/json")
EVENTS = "text/event-stream"
WITHOUT_EVENTS = "/gradio_api/heartbeat/"
"""An endless stream for each open page that says almost nothing: compressing it would only take memory."""

DONE_BY_GRADIO = frozenset(
    {".html", ".htm", ".js", ".css", ".json", ".md", ".txt", ".csv", ".tsv", ".xml", ".svg"}
)
"""The endings of addresses whose answers Gradio's own middleware compresses, better, with Brotli."""


TAKEN = re.compile(r"(?:^|,)\s*gzip\s*(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))(?:;|,|$)", re.IGNORECASE)


def takes_gzip(accepted: str) -> bool:
    """Return whether an Accept-Encoding header takes gzip. A weight of 0 means that it does not."""
    return TAKEN.search(accepted) is not None


class Compression:
    """ASGI middleware that compresses texts for clients that accept gzip.

    Starlette's own leaves streams of events alone, and would hold an event back until its buffer is full.
    Here each piece of an answer can be read as soon as it has come.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the app answer, and compress the answer if that helps."""
        if scope["type"] == "http" and _may_help(scope):
            send = _Answer(send).give
        await self._app(scope, receive, send)


def _may_help(scope: Scope) -> bool:
    path = route_path(scope)
    return (
        takes_gzip(Headers(scope=scope).get("accept-encoding", ""))
        and PurePosixPath(path).suffix.lower() not in DONE_BY_GRADIO
        and not path.startswith(WITHOUT_EVENTS)
    )


class _Answer:
    """One answer on its way. Its beginning waits for the first piece, which tells whether it is large."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._compressor: zlib._Compress | None = None

    async def give(self, message: Message) -> None:
        """Pass a message on, compressed if it is a part of an answer that is worth it."""
        if message["type"] == "http.response.start":
            self._start = message
            if Headers(raw=message["headers"]).get("content-type", "").startswith(EVENTS):
                await self._begin(message, length=None)
            elif not _is_plain_text(message):
                await self._begin_as_it_is(message)
            return
        if message["type"] == "http.response.body":
            message = await self._piece(message)
        elif self._start:
            await self._begin_as_it_is(self._start)
        await self._send(message)

    async def _piece(self, message: Message) -> Message:
        body, has_more = message.get("body", b""), message.get("more_body", False)
        if start := self._start:
            if has_more:
                await self._begin(start, length=None)
            elif len(body) < SMALLEST:
                await self._begin_as_it_is(start)
            else:
                body = await _compressed(_compressor(), body, zlib.Z_FINISH)
                await self._begin(start, length=len(body))
                return {**message, "body": body}
        if self._compressor:
            end = zlib.Z_SYNC_FLUSH if has_more else zlib.Z_FINISH
            body = await _compressed(self._compressor, body, end)
        return {**message, "body": body}

    async def _begin(self, start: Message, length: int | None) -> None:
        """Begin a compressed answer, a stream if its length is not known."""
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["Content-Encoding"] = "gzip"
        headers.add_vary_header("Accept-Encoding")
        if length is None:
            del headers["Content-Length"]
            self._compressor = _compressor()
        else:
            headers["Content-Length"] = str(length)
        await self._begin_as_it_is({**start, "headers": headers.raw})

    async def _begin_as_it_is(self, start: Message) -> None:
        self._start = None
        await self._send(start)


def _is_plain_text(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    is_whole = start["status"] == 200 and "content-range" not in headers
    return (
        is_whole and "content-encoding" not in headers and headers.get("content-type", "").startswith(TEXTS)
    )


async def _compressed(compressor: zlib._Compress, body: bytes, end: int) -> bytes:
    def compress() -> bytes:
        return compressor.compress(body) + compressor.flush(end)

    return await to_thread.run_sync(compress) if len(body) > LARGE else compress()


def _compressor() -> zlib._Compress:
    return zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW | GZIP, MEMORY)

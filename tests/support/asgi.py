"""Calling an ASGI app without a server: every byte of a call can be chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message


@dataclass
class Answer:
    """What an app sent, and how much of the body it took."""

    messages: list[Message] = field(default_factory=list)
    taken: int = 0

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode("latin-1") for name, value in self.messages[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])


def call(
    app: ASGIApp,
    path: str,
    method: str = "GET",
    *,
    query: str = "",
    body: Iterable[bytes] = (),
    headers: Mapping[str, str] | None = None,
    root_path: str = "",
    gone_after: int | None = None,
    answer: Answer | None = None,
) -> Answer:
    """Call an app with a decoded path. The body's pieces come one by one, as far as the app takes them.

    The client is gone after so many messages, if it goes. An `answer` that is given holds what was said even
    when the app fails.
    """
    answer = answer or Answer()
    pieces = iter(body)
    received = 0
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode("utf-8", "surrogatepass"),
        "root_path": root_path,
        "query_string": query.encode("latin-1"),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "http_version": "1.1",
    }

    async def receive() -> Message:
        nonlocal received
        received += 1
        if gone_after is not None and received > gone_after:
            return {"type": "http.disconnect"}
        piece = next(pieces, b"")
        answer.taken += len(piece)
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}

    async def send(message: Message) -> None:
        answer.messages.append(message)

    asyncio.run(app(scope, receive, send))
    return answer

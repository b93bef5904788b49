"""Answers that are made once and kept: whoever asks for the same gets the same bytes, or hears that they have
them.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from time import perf_counter, sleep

from cachetools import LRUCache
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from src.shared.serving.compression import takes_gzip
from src.submitting.threads import LONGEST_REST_SECONDS, Threads

MOST_BYTES = 32 * 2**20
"""How much is kept of all answers together. The HTML of 100 rows has 50 kB, zipped 10 kB more."""

MOST_WAITING = 100
"""The most answers that wait to be made. Whoever asks for one more hears that the page is busy."""

FRESH = "max-age=60"
"""For a minute nobody needs to ask again; afterwards a 304 is enough. Not `public`: what a private Space
answers to a token is for nobody else.
"""

NOT_YET = "no-cache"
"""While the datasets are read for the first time."""

VARY = "Accept-Encoding, Origin"
"""Gradio writes the caller's origin into the answer."""

BUSY = "The page is busy. Try again in a minute."

HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'",
}
"""No script runs here, whatever a name may contain. Any page may show it in a frame."""


@dataclass(frozen=True)
class Answer:
    """An answer, as it is sent to everybody."""

    body: bytes
    kind: str
    """Its media type."""
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200

    @cached_property
    def zipped(self) -> bytes:
        """The body as gzip; empty if that is hardly shorter."""
        zipped = gzip.compress(self.body, 6, mtime=0)
        return zipped if len(zipped) < len(self.body) * 0.9 else b""

    @cached_property
    def tag(self) -> str:
        """The same for the same bytes, also after a restart."""
        return f'W/"{sha256(self.body).hexdigest()[:20]}"'

    @cached_property
    def size(self) -> int:
        """How many bytes it takes to keep it."""
        return len(self.body) + len(self.zipped) + 1000


class Busy(Exception):
    """So many answers wait to be made that no more are accepted."""


class Kept:
    """Keeps the answers that belong to one value, such as the standings: a new one makes them all old.

    One answer is made at a time, in a thread. If others wait, the next one begins after a pause as long as
    that took, so that the page has the processor meanwhile.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._of: object = None
        self._forget()
        self._threads = Threads(1)
        self._rested = 0.0

    def _forget(self) -> None:
        self._made: LRUCache[Hashable, Answer] = LRUCache(
            self._most_bytes, getsizeof=lambda answer: answer.size
        )
        self._making: dict[Hashable, asyncio.Task[Answer]] = {}

    async def answer(self, of: object, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """Return the answer for a key, made once for all who ask. Raises Busy."""
        if of is not self._of:
            self._of = of
            self._forget()
        made = self._made.get(key)
        if made is not None:
            return made
        if key not in self._making:
            if len(self._making) >= MOST_WAITING:
                raise Busy
            self._making[key] = asyncio.ensure_future(self._make(of, key, make))
        return await asyncio.shield(self._making[key])

    async def respond(
        self, request: Request, of: object, key: Hashable, make: Callable[[], Answer], *, is_read: bool
    ) -> Response:
        """Answer a call, or say that the page is busy. `is_read` is whether the datasets are read."""
        try:
            answer = await self.answer(of, (is_read, key), make)
        except Busy:
            return PlainTextResponse(BUSY, 503, {"Retry-After": "60"})
        return respond(answer, request, caching=FRESH if is_read else NOT_YET)

    async def _make(self, of: object, key: Hashable, make: Callable[[], Answer]) -> Answer:
        try:
            answer = await self._threads.run(self._paced, make)
        finally:
            if of is self._of:
                self._making.pop(key, None)
        if of is self._of and answer.size <= self._most_bytes:
            self._made[key] = answer
        return answer

    def _paced(self, make: Callable[[], Answer]) -> Answer:
        begun = perf_counter()
        sleep(max(0.0, self._rested - begun))
        begun = perf_counter()
        answer = make()
        _ = answer.tag, answer.size  # computed here, in the thread, so that nobody else waits for it
        ended = perf_counter()
        is_crowded = len(self._making) > 1
        self._rested = ended + min(ended - begun, LONGEST_REST_SECONDS) if is_crowded else ended
        return answer


def respond(answer: Answer, request: Request, *, caching: str = FRESH) -> Response:
    """Send an answer, as gzip to those who take it, or that they have it already."""
    headers = {"ETag": answer.tag, "Cache-Control": caching, "Vary": VARY}
    if answer.status == 200 and names(request.headers.get("if-none-match", ""), answer.tag):
        return Response(status_code=304, headers=headers)
    headers |= {**HARMLESS, **answer.headers}
    body = answer.body
    if answer.zipped and takes_gzip(request.headers.get("accept-encoding", "")):
        body, headers["Content-Encoding"] = answer.zipped, "gzip"
    return Response(body, answer.status, headers, answer.kind)


def names(tags: str, tag: str) -> bool:
    """Return whether the header If-None-Match names a tag. A proxy may have made it strong or weak."""
    named = {each.strip().removeprefix("W/") for each in tags[:1000].split(",")}
    return tag.removeprefix("W/") in named or "*" in named

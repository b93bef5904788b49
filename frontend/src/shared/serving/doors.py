"""The doors of a Space: the routes on its list are open. Gradio never sees a call of any other route.

Gradio serves several times as many routes as our pages use, and the known holes of version 5 are fixed only
in version 6 (docs/decisions/0008-an-allow-list-stands-before-gradio.md).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 64 * 1024
"""Bytes. The longest form has seven fields of 200 characters; what the pages send has some hundred bytes."""

FILE = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
"""A file's name in a pattern: nothing hidden, and no `..`."""

SESSION = r"[A-Za-z0-9_-]{1,64}"
"""The session name that a page or a client chooses."""

CLOSED_PARAMETERS = {"deep_link", "page"}
"""Parameters of Gradio's own page: the first loads a page that a visitor has stored, the second names another
page of an app that has several.
"""

TARGET = "_target_url"
"""Where Gradio's login sends the browser afterwards."""

OWN_PATH = re.compile(r"/(?:[A-Za-z0-9_.~-]+/)*[A-Za-z0-9_.~-]*(?:[?#][^\x00-\x1f\x7f-\x9f\\]*)?")
"""An address on the own host. No `%` before the query: what is spelled in another way is somebody else's."""


@dataclass(frozen=True)
class Door:
    """A route that is open."""

    methods: tuple[str, ...]
    path: str
    """A regular expression for the whole path as it is once decoded. It must take linear time."""
    reason: str
    """Who needs it."""


LAUNCH = (Door(("GET",), "/gradio_api/startup-events", "launch() starts the queue with it"),)
"""Asked for by Gradio itself while it starts."""

PAGE = (
    Door(("GET", "HEAD"), "/", "the page, and whether it is there"),
    Door(("GET",), "/config", "clients read what the page is made of, and so may the Hub"),
    Door(("GET",), r"/theme\.css", "the page's colours"),
    Door(("GET",), r"/favicon\.ico", "browsers ask for it"),
    Door(("GET",), f"/assets/(?:svelte/)?{FILE}", "the page's scripts and styles"),
    Door(("GET",), r"/iframe-resizer\.js", "the Hub's frame becomes as high as the page"),
    Door(("POST",), "/gradio_api/queue/join", "the page's events"),
    Door(("GET",), "/gradio_api/queue/data", "what the events answer"),
    Door(("GET",), "/gradio_api/app_id", "a page that has lost its server finds out whether it is back"),
)
"""What any page of Gradio's needs in a browser."""

INSTALLATION = (
    Door(("GET",), r"/manifest\.json", "browsers offer to install the page as an app"),
    Door(("GET",), r"/static/img/logo_nosize\.svg", "that app's picture"),
)
"""Gradio offers it on Spaces only."""


@dataclass(frozen=True)
class Refusal:
    """An answer of ours in the place of the app's."""

    status: int
    detail: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer without reading the body. If there is one the connection ends: the server would go on
        reading it otherwise.
        """
        extra = [(b"connection", b"close")] if _has_a_body(scope) else []

        async def ending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        await JSONResponse({"detail": self.detail}, self.status)(scope, receive, ending)


NOT_FOUND = Refusal(404, "There is nothing at this address.")
TOO_LARGE = Refusal(
    413, f"The body of this request is larger than {LARGEST_BODY // 1024} KiB, which is the limit."
)


class Doors:
    """ASGI middleware that lets calls through to the `doors` only.

    It refuses bodies that are too large, closed parameters and redirects to other hosts, except to `origins`.
    """

    def __init__(self, app: ASGIApp, doors: Iterable[Door], origins: Collection[str] = ()) -> None:
        self._app = app
        paths: dict[str, list[str]] = {}
        for door in doors:
            for method in door.methods:
                paths.setdefault(method, []).append(f"(?:{door.path})")
        self._open = {method: re.compile("|".join(each)) for method, each in paths.items()}
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or have the app answer."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        elif scope["type"] == "http":
            query = _query_to_pass_on(scope["query_string"])
            if query is None or not self._is_open(scope):
                await NOT_FOUND(scope, receive, send)
            elif _is_said_to_be_too_large(scope):
                await TOO_LARGE(scope, receive, send)
            else:
                exchange = _Exchange(receive, send, self._origins)
                await exchange.run(self._app, {**scope, "query_string": query})

    def _is_open(self, scope: Scope) -> bool:
        paths = self._open.get(scope["method"])
        return paths is not None and paths.fullmatch(route_path(scope)) is not None


@dataclass
class _Exchange:
    """One call on its way to the app, and the answer on its way back.

    Once there is a `refusal` the app hears that the client has gone, and can no longer begin to answer.
    """

    receive: Receive
    send: Send
    origins: Collection[str]
    refusal: Refusal | None = field(default=None, init=False)
    _taken: int = field(default=0, init=False)
    _is_passed_over: bool = field(default=False, init=False)
    _has_begun: bool = field(default=False, init=False)

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Have the app answer, and refuse in its place if need be."""
        try:
            if scope["method"] != "POST":
                await self._pass_over_the_body()
            if not self.refusal:
                await app(scope, self._take, self._give)
        except Exception:
            if not self.refusal or self._has_begun:
                raise
        if self.refusal and not self._has_begun:
            await self.refusal(scope, self.receive, self.send)

    async def _pass_over_the_body(self) -> None:
        """Skip the body. No app reads it, and the server would go on reading one without an end."""
        while (await self._take()).get("more_body"):
            pass
        self._is_passed_over = True

    async def _take(self) -> Message:
        if self.refusal:
            return {"type": "http.disconnect"}
        if self._is_passed_over:
            self._is_passed_over = False
            return {"type": "http.request", "body": b"", "more_body": False}
        message = await self.receive()
        self._taken += len(message.get("body", b""))
        if self._taken > LARGEST_BODY:
            self.refusal = TOO_LARGE
            return {"type": "http.disconnect"}
        return message

    async def _give(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self.refusal:
            self._has_begun = self._stays(message)
            if not self._has_begun:
                self.refusal = NOT_FOUND
        if self._has_begun:
            await self.send(message)

    def _stays(self, start: Message) -> bool:
        """Return whether an answer with this beginning keeps visitors on this host or an allowed origin."""
        headers = start.get("headers", [])
        addresses = [value.decode("latin-1") for name, value in headers if name.lower() == b"location"]
        return all(is_own_path(each) or origin_of(each) in self.origins for each in addresses)


def hide_tracebacks(site: Starlette) -> None:
    """Show nobody where an error came from: Gradio makes its app so that it shows everybody.

    Call it once the app is launched.
    """
    site.debug = False
    site.middleware_stack = None  # it is made anew for the next call


def is_own_path(address: str) -> bool:
    """Return whether every browser stays on the host when it is redirected there."""
    return OWN_PATH.fullmatch(address) is not None


def origin_of(address: str) -> str | None:
    """`https://host:port` of an address on the web. None for any other, and for one that names a user."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    is_plain = parts.scheme in ("http", "https") and parts.netloc and "@" not in parts.netloc
    return f"{parts.scheme}://{parts.netloc.lower()}" if is_plain else None


def route_path(scope: Scope) -> str:
    """The path by which the app finds its route: without the prefix that a proxy puts before it."""
    path: str = scope["path"]
    prefix: str = scope.get("root_path", "")
    is_below = prefix and (path == prefix or path.startswith(f"{prefix}/"))
    return path[len(prefix) :] if is_below else path


def _query_to_pass_on(query: bytes) -> bytes | None:
    """The query as the app may see it; None if it asks for something that is closed.

    A target on another host becomes the page: Gradio would take a missing one from the rest of the query.
    """
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    if any(name in CLOSED_PARAMETERS for name, _ in pairs):
        return None
    if all(name != TARGET or is_own_path(value) for name, value in pairs):
        return query
    stays = [(name, "/" if name == TARGET and not is_own_path(value) else value) for name, value in pairs]
    return urlencode(stays).encode()


def _is_said_to_be_too_large(scope: Scope) -> bool:
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    longest = len(str(LARGEST_BODY))
    return any(not each.isdigit() or len(each) > longest or int(each) > LARGEST_BODY for each in lengths)


def _has_a_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )

"""The Hub as a web application: all routes, and what is the same for every call."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from . import addresses
from .calls import Call
from .refusals import Refusal
from .routes import (
    account,
    administration,
    commit,
    control,
    discussions,
    download,
    inference_endpoints,
    info,
    jobs,
    large_files,
    login,
    references,
    spaces,
    tree,
    validation,
)
from .routes.endpoint import Endpoint
from .state import Hub

PARTS = [
    *(
        inference_endpoints,
        discussions,
        spaces,
        account,
        administration,
        validation,
        tree,
        commit,
        references,
        large_files,
        jobs,
    ),
    *(download, login, info),
]
"""`info` comes last: its `/api/models/acme/tiny` would also match `/api/models/gpt2/refs`."""


class CountedRoute(Route):
    """A route whose calls are counted, held to the budget, and fail on demand."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint.path, endpoint.function, methods=[endpoint.method])
        self._kind = endpoint.kind

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        hub: Hub = scope["app"].state.hub
        repository = scope["path_params"].get("repo")
        token = hub.accounts.token_in(Request(scope).headers.get("authorization", ""))
        call = Call(
            kind=self._kind,
            route=self.name,
            method=scope["method"],
            repository=repository and repository.path,
            user=token.user.name if token else None,
        )
        await hub.traffic.guarded(super().handle, call)(scope, receive, send)


def create_app(hub: Hub) -> ASGIApp:
    """The application that answers for a Hub."""
    addresses.register()
    routes = [CountedRoute(endpoint) for part in PARTS for endpoint in part.ROUTES]
    app = Starlette(
        routes=[control.ROUTE, *routes],
        exception_handlers={Refusal: refuse, HTTPException: not_found},  # type: ignore[dict-item]
    )
    app.router.redirect_slashes = False
    app.state.hub = hub
    return matched_as_sent(app)


def matched_as_sent(app: ASGIApp) -> ASGIApp:
    """The application, with routes that see the path as it was sent: `refs%2Fpr%2F1` is one segment."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "path": scope["raw_path"].decode("ascii")}, receive, send)

    return wrapped


async def refuse(request: Request, refusal: Refusal) -> Response:
    return refusal.answer()


async def not_found(request: Request, error: HTTPException) -> Response:
    """No route matches, or not with this method."""
    message = "Sorry, we can't find the page you are looking for."
    return JSONResponse({"error": message}, error.status_code, {"X-Error-Message": message})

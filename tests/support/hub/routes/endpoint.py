"""One line of a table of routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from ..calls import Kind


class Endpoint(NamedTuple):
    """What answers to which requests. The function's name is the route's."""

    method: str
    path: str
    function: Callable[[Request], Awaitable[Response]]
    kind: Kind = Kind.API

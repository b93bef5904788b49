"""Every route of a running app, as calls that can be made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from src.shared.serving.doors import NOT_FOUND, Door
from support.waiting import PATIENCE

PARAMETER = re.compile(r"\{[^}]*\}")
ANY_METHODS = ("GET", "POST")
"""Of a mounted app nobody knows which it has."""


class Call(NamedTuple):
    """One method of a route, with something in the place of each parameter."""

    method: str
    path: str


def calls(site: Starlette) -> list[Call]:
    """One call for each method of each route, those of included routers and mounted apps as well."""
    return sorted(set(_calls(site.routes)))


def _calls(routes: Iterable[Any], prefix: str = "") -> Iterator[Call]:
    for route in routes:
        path = prefix + PARAMETER.sub("1", getattr(route, "path", ""))
        if included := getattr(route, "original_router", None):  # newer fastapi keeps them apart
            yield from _calls(included.routes, prefix)
        elif isinstance(route, Mount):
            yield from _calls(route.routes, path)
            yield from (Call(method, f"{path}/1") for method in ANY_METHODS)
        else:
            yield from (Call(method, path) for method in getattr(route, "methods", None) or ["GET"])


def is_on_the_list(call: Call, doors: Iterable[Door]) -> bool:
    return any(call.method in door.methods and re.fullmatch(door.path, call.path) for door in doors)


def closed(url: str, called: Iterable[Call]) -> list[Call]:
    """The calls that our own 404 answers."""
    found = []
    with httpx.Client(base_url=url, timeout=PATIENCE) as client:
        for call in called:
            answer = client.request(call.method, call.path)
            # The answer to HEAD has no body; its length is that of ours.
            is_ours = (
                answer.json() == {"detail": NOT_FOUND.detail} if answer.content else call.method == "HEAD"
            )
            if answer.status_code == NOT_FOUND.status and is_ours:
                found.append(call)
    return found

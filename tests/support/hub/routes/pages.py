"""Lists that come in pages: each answer says where the next one is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from starlette.requests import Request

from ..refusals import BadRequest
from .lookup import hub_of

T = TypeVar("T")


def page(
    request: Request, items: Sequence[T], most: int, *, unasked: int | None = None
) -> tuple[Sequence[T], dict[str, str]]:
    """The items from the request's `cursor` on, and the header that leads to the next ones: as many as its
    `limit` says, at most `most`, and `unasked` where it says nothing.
    """
    try:
        start = int(request.query_params.get("cursor", 0))
        size = max(1, min(most, int(request.query_params.get("limit", unasked or most))))
    except ValueError as error:
        raise BadRequest("Invalid cursor or limit") from error
    headers = {}
    if start + size < len(items):
        query = request.url.include_query_params(cursor=start + size).query
        headers["Link"] = f'<{hub_of(request).url}{request.url.path}?{query}>; rel="next"'
    return items[start : start + size], headers

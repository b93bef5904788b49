"""Checking a README before it is committed."""

from __future__ import annotations

import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..card import front_matter
from .endpoint import Endpoint
from .lookup import json_of

EMPTY = "empty or missing yaml metadata in repo card"


async def validate_yaml(request: Request) -> Response:
    """Errors make it 400, and the client refuses to commit; warnings are shown."""
    body = await json_of(request)
    try:
        metadata = front_matter(str(body.get("content", "")))
    except yaml.YAMLError as error:
        return JSONResponse({"errors": [{"message": str(error)}], "warnings": []}, 400)
    return JSONResponse({"errors": [], "warnings": [] if metadata else [{"message": EMPTY}]})


ROUTES = [Endpoint("POST", "/api/validate-yaml", validate_yaml)]

"""Answering with a content or with the part of it that was asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

BINARY = "application/octet-stream"


def ranged(
    request: Request, content: bytes, headers: Mapping[str, str], media_type: str = BINARY
) -> Response:
    """The whole content (200), the range of it that the request names (206), or that there is none (416)."""
    headers = {**headers, "Accept-Ranges": "bytes"}
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
    if not asked or asked[0] == "bytes=-":
        return Response(content, 200, headers, media_type)
    size = len(content)
    if asked[1]:
        first, last = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
    else:
        first, last = max(0, size - int(asked[2])), size - 1
    if first > last:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    part = content[first : last + 1]
    return Response(part, 206, {**headers, "Content-Range": f"bytes {first}-{last}/{size}"}, media_type)

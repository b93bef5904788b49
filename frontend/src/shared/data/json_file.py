"""The door for JSON from a dataset: bytes that anybody may have written become an object or a BadFile."""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Mapping

from pydantic_core import from_json

from ..errors import BadFile, InLfs
from .names import MAX_BYTES

Object = Mapping[str, object]
"""A JSON object."""

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""The beginning of a Git LFS pointer, which stands for content kept elsewhere."""

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

LONGEST_NUMBER = 50
"""The longest text that is read as a number, in characters."""


def read_object(data: bytes) -> dict[str, object]:
    """Return the JSON object in `data`; a byte order mark before it is skipped.

    Raises BadFile for anything else: not JSON, not UTF-8, nested too deeply, too large, a list.
    """
    if len(data) > MAX_BYTES:
        raise BadFile(f"it has {len(data):,} bytes, and no more than {MAX_BYTES:,} are read")
    if data.startswith(UTF_16):
        raise BadFile("it is UTF-16: save it as UTF-8")
    if data.startswith(LFS_POINTER):
        raise InLfs("it is a Git LFS pointer, not the file itself")
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data.strip():
        raise BadFile("it is empty")
    try:
        value = from_json(data)
    except ValueError as error:
        raise BadFile(f"it is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadFile("it does not hold a JSON object")
    return value


def write_object(value: Mapping[str, object]) -> bytes:
    """Write strict JSON that people can read and edit: indented, UTF-8, keys in the given order.

    Half a surrogate pair, which UTF-8 cannot hold and no strict reader accepts, becomes a question mark.
    Raises ValueError on NaN and infinities, which are not JSON: `without_nan` makes them null.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode("utf-8", "replace")


def without_nan(value: object) -> object:
    """Return the value with null in place of each NaN and infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return value


def as_object(value: object) -> Mapping[str, object]:
    """Return `value` if it is a JSON object, or else an empty one, for parts that may be missing or
    malformed.
    """
    return value if isinstance(value, dict) else {}


def as_text(value: object) -> str:
    """Return `value` if it is a text, or else an empty one."""
    return value if isinstance(value, str) else ""


def as_texts(value: object) -> tuple[str, ...]:
    """Return the texts in a field that may hold one or a list. Anything else is left out."""
    items = value if isinstance(value, list) else [value]
    return tuple(item for item in items if isinstance(item, str))


def as_number(value: object) -> float | None:
    """Return `value` if it is a finite number and not a truth value, or else None."""
    # A tuple is compared faster than a union, and reports hold hundreds of numbers.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # an integer of more than 308 digits
        return None


def read_number(value: object) -> float | None:
    """Like `as_number`, but a text that is a number, such as "32.0", counts too."""
    if not isinstance(value, str) or len(value) > LONGEST_NUMBER:
        return as_number(value)
    text = value.strip()
    return as_number(float(text)) if NUMBER.fullmatch(text) else None

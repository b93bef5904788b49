"""Answers that are already JSON: made once, and sent to everybody unchanged.

Gradio would search lists and objects twice for files, and keep a copy for each caller. For 5,000 rows that
takes a second, during which it answers nobody.
"""

from __future__ import annotations

import codecs
import copyreg
import json
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import orjson
from gradio import routes

Ready = orjson.Fragment

IN_ASCII = "leaderboard: as JSON in ASCII"
"""The name of the codec error handler that escapes other letters."""


def ready(value: object) -> Ready:
    """Return a value as the JSON that is sent.

    It is ASCII: Gradio makes a text of it each time that it is sent, four times as large if it contains one
    🟢.
    """
    codecs.register_error(IN_ASCII, _escaped)
    return orjson.Fragment(orjson.dumps(value).decode().encode("ascii", IN_ASCII))


def pass_ready_answers_on() -> None:
    """Have Gradio take such answers; for all pages of the process."""
    # It copies what it sends. What never changes need not be copied, as this text tells copyreg.
    copyreg.pickle(orjson.Fragment, lambda fragment: "")
    # It supports them for the page and its clients, but not for curl.
    changed: Any = SimpleNamespace(**{**vars(json), "dumps": _dumps})
    routes.json = changed  # type: ignore[attr-defined]


def _escaped(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return _escape(error.object[error.start : error.end]), error.end


@lru_cache(maxsize=1000)
def _escape(letters: str) -> str:
    return json.dumps(letters)[1:-1]


def _dumps(value: Any, **options: Any) -> str:
    """As `json.dumps`, also for a list that holds such answers."""
    is_ready = isinstance(value, list) and any(isinstance(each, orjson.Fragment) for each in value)
    return orjson.dumps(value).decode() if is_ready else json.dumps(value, **options)

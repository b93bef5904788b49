"""What a Space's page says to whoever opens it, read over HTTP as a browser would."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from html import unescape
from secrets import token_hex
from typing import Any

from support.waiting import PATIENCE


def page_text(url: str) -> str:
    """The text of everything that the page fills itself with, tags left out, a paragraph for each piece."""
    config = _get(f"{url}/config")
    values = {part["id"]: part["props"].get("value") for part in config["components"]}
    answers = [
        _answer(url, event, [values.get(place) for place in event["inputs"]])
        for event in config["dependencies"]
        if any(trigger in ("load", "change") for _, trigger in event["targets"]) and event["backend_fn"]
    ]
    texts = [text for answer in answers for text in _texts(answer)]
    return "\n\n".join(unescape(re.sub(r"<[^>]*>", "\n", text)) for text in texts)


def _answer(url: str, event: Any, data: list[Any]) -> object:
    """What an event of the page brings it."""
    session = token_hex(8)
    body = {"data": data, "fn_index": event["id"], "session_hash": session}
    if event["queue"] is False:
        return _get(f"{url}/gradio_api/run/predict", body)["data"]
    _get(f"{url}/gradio_api/queue/join", body)
    address = f"{url}/gradio_api/queue/data?session_hash={session}"
    with urllib.request.urlopen(address, timeout=PATIENCE) as lines:
        done = next(line for line in lines if b'"process_completed"' in line)
    return json.loads(done.removeprefix(b"data:"))["output"].get("data")


def _get(address: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def _texts(value: object) -> Iterator[str]:
    """All the texts in a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)

"""Who may call: nobody is asked, or some tokens are known, or the Hub is asked for each call."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable

Gate = Callable[[str], int]
"""Takes the token of a call, which may be empty. Returns 200, 401 or 403."""


def open_gate(token: str) -> int:
    """Everybody may call."""
    return 200


def gate_for(tokens: list[str]) -> Gate:
    """These tokens may call."""
    return lambda token: 200 if token in tokens else 401


def gate_of_the_hub(url: str, namespace: str) -> Gate:
    """The tokens may call that a Hub lets call the endpoints of a namespace, at the moment of the call."""

    def gate(token: str) -> int:
        body = json.dumps({"namespace": namespace, "token": token}).encode()
        request = urllib.request.Request(f"{url}/_test/may_call_endpoints", body)
        with urllib.request.urlopen(request) as answer:
            return int(json.load(answer))

    return gate

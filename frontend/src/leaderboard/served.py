"""How a server answered for a model, in words."""

from __future__ import annotations

from src.shared.data.provenance import ENDPOINT, Served

UNPROVEN = "which did not prove the model's commit"


def server_in_words(served: Served | None) -> str:
    """Return what kind of server answered, and where; empty if the worker computed the answers."""
    if served is None:
        return ""
    if served.inference == ENDPOINT:
        return "an Inference Endpoint"
    host = (served.address or "").partition("://")[2].partition("/")[0]
    return f"a server at {host}" if host else "a server"


def server_and_proof(served: Served | None) -> str:
    """Return the same, and say so where the server's name for the model does not prove the commit."""
    words = server_in_words(served)
    return f"{words}, {UNPROVEN}" if served and not served.is_exact else words


def empty_answers_in_words(served: Served | None) -> str:
    """Return how many answers were empty; nothing if that is unknown, or if the model wrote none."""
    if served is None or not served.answers or served.empty_answers is None:
        return ""
    return f"{served.empty_answers:,} of {served.answers:,}"

"""The server of a job: asked with the only token that an evaluation gets for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from src.evaluation.failures import Failed
from src.evaluation.served.client import ServedModel
from src.running.child_environment import INFERENCE_TOKEN
from src.running.inference import Server
from src.running.job import End, Job

TOKEN = re.compile(r"[!-~]*")
"""What may stand in a header."""


def connect(
    job: Job, token: str | None, on_answer: Callable[[int], None], *, needs_ratings: bool
) -> ServedModel:
    """Return the job's model on its server, which was found to have it. Raises `Failed`.

    From here on the server is kept awake, until nobody uses the model any more.
    """
    assert job.server, "the job has no server"
    served = ServedModel(job.server, sound_token(token), concurrency=job.concurrency, on_answer=on_answer)
    served.check(model=job.model, needs_ratings=needs_ratings, api=job.inference_api)
    served.keep_awake()
    return served


def sound_token(given: str | None) -> str | None:
    """Return the token for the server without white space around it, or None.

    Raises `Failed` if it cannot be one: an error of the client would quote it.
    """
    token = (given or "").strip()
    if not TOKEN.fullmatch(token):
        raise Failed(
            f"{INFERENCE_TOKEN} has characters that no token has. The leaderboard's owner has to set it "
            "again; the model is not at fault.",
            End.WORKER,
        )
    return token or None


def machine_of(server: Server) -> str:
    """Return the server's machine in a few words, or else whose it is."""
    return server.hardware or f"a server at {urlsplit(server.url).hostname}"


def public_address(server: Server) -> str:
    """Return the server's base address without a login, a query or a fragment."""
    address = urlsplit(server.url)
    return address._replace(netloc=address.netloc.rpartition("@")[2], query="", fragment="").geturl()

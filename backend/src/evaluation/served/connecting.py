"""The server of a job: asked with the only token that an evaluation gets for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import urlsplit

from src.evaluation.served.client import ServedModel
from src.running.child_environment import INFERENCE_TOKEN
from src.running.inference import Server
from src.running.job import Job


def connect(job: Job, on_answer: Callable[[int], None], *, needs_ratings: bool) -> ServedModel:
    """Return the job's model on its server, which was found to have it. Raises `Failed`.

    The token leaves the environment, so that code which models write never sees it.
    """
    assert job.server, "the job has no server"
    served = ServedModel(
        job.server,
        os.environ.pop(INFERENCE_TOKEN, None),
        concurrency=job.concurrency,
        on_answer=on_answer,
    )
    served.check(model=job.model, needs_ratings=needs_ratings)
    return served


def machine_of(server: Server) -> str:
    """Return the server's machine in a few words, or else whose it is."""
    return server.hardware or f"a server at {urlsplit(server.url).hostname}"


def public_address(server: Server) -> str:
    """Return the server's base address without a login, a query or a fragment."""
    address = urlsplit(server.url)
    return address._replace(netloc=address.netloc.rpartition("@")[2], query="", fragment="").geturl()

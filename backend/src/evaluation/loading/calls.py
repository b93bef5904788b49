"""Tracks calls to the Hub that get no answer while a model is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from huggingface_hub import set_client_factory
from huggingface_hub.utils._http import default_client_factory

from src.evaluation.failures import HUB_DID_NOT_ANSWER, Failed
from src.running.job import End, Job

TOO_MANY_REQUESTS = 429
FIRST_OF_THE_SERVERS_ERRORS = 500


class Calls:
    """The calls without an answer so far. A call is answered if any of its repetitions is."""

    def __init__(self) -> None:
        self._open: set[tuple[str, str]] = set()

    def __bool__(self) -> bool:
        return bool(self._open)

    def client(self) -> httpx.Client:
        """Return a client for the Hub whose calls are tracked."""
        client = default_client_factory()
        hooks = client.event_hooks
        client.event_hooks = {
            "request": [*hooks["request"], self._note],
            "response": [*hooks["response"], self._strike],
        }
        return client

    def _note(self, request: httpx.Request) -> None:
        self._open.add((request.method, str(request.url)))

    def _strike(self, response: httpx.Response) -> None:
        is_busy = response.status_code == TOO_MANY_REQUESTS
        if not is_busy and response.status_code < FIRST_OF_THE_SERVERS_ERRORS:
            self._open.discard((response.request.method, str(response.request.url)))


@contextmanager
def all_answered(job: Job) -> Iterator[None]:
    """Raise `Failed` when the Hub did not answer a call, even if the model was refused or seems to be loaded.

    transformers treats a file that it cannot fetch as missing. A good model would then have no weights, or a
    tokenizer that lacks some of its tokens.
    """
    calls = Calls()
    set_client_factory(calls.client)
    try:
        yield
    except Failed as failed:
        if failed.end is End.REFUSED and calls:
            raise unreachable(job) from failed
        raise
    finally:
        set_client_factory(default_client_factory)
    if calls:
        raise unreachable(job)


def unreachable(job: Job) -> Failed:
    """Return the failure of a job whose model could not be fetched."""
    return Failed(HUB_DID_NOT_ANSWER.format(model=job.model), End.UNREACHABLE)

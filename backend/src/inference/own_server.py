"""A server that is there already: which models it has, and evaluations that ask it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from urllib.parse import urlsplit

import httpx

from src.running.executor import Executor
from src.running.inference import Server
from src.running.job import End, Ending, Job, Progress
from src.shared.data.json_file import as_object, as_text

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 20.0
MOST_BYTES = 1_000_000
MOST_MODELS = 1_000

NOT_REACHED = "The server at {address} (INFERENCE) does not say which models it has: {reason}"
NOT_SERVED = (
    "The server of this leaderboard no longer has {model}. The leaderboard's owner has to start it again; "
    "the model is not at fault."
)


@dataclass(frozen=True)
class Served:
    """The models that a server has, by name: each as `org/model`, or as `org/model@commit`."""

    ids: frozenset[str]

    def id_of(self, model: str, commit: str | None) -> str | None:
        """Return the id under which the server has a model at a commit, or None.

        An id without a commit stands for any: then nothing proves which one the server loaded.
        """
        exact = f"{model}@{commit}"
        return exact if exact in self.ids else model if model in self.ids else None

    def has(self, model: str, commit: str | None) -> bool:
        """Return whether it has a model. Without a commit, any commit of it will do."""
        if commit is None:
            return any(id.partition("@")[0] == model for id in self.ids)
        return self.id_of(model, commit) is not None


class OwnServer:
    """The owner's server. `url` ends in `/v1` or another base path; `token` is the key that it wants."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.served: Served | None = None
        """What it has; None while it does not say so."""
        self.problem: str | None = None
        """A sentence for the owner."""

    @property
    def host(self) -> str:
        """Its name, for people."""
        return urlsplit(self.url).netloc

    def refresh(self) -> None:
        """Ask which models it has. Never raises an error."""
        try:
            self.served, self.problem = Served(self._ids()), None
        except (httpx.HTTPError, ValueError) as error:
            self.served = None
            self.problem = NOT_REACHED.format(address=self.url, reason=_reason(error))
            log.warning("%s", self.problem)

    def _ids(self) -> frozenset[str]:
        # No redirect is followed: the key is for this address only.
        address = f"{self.url}/models"
        client = httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, headers=self._headers)
        with client, client.stream("GET", address) as answer:
            if answer.status_code != 200:
                raise ValueError(f"it answers with status {answer.status_code}.")
            data = b""
            for part in answer.iter_bytes():
                data += part
                if len(data) > MOST_BYTES:
                    raise ValueError("its answer is too long.")
        return ids_in(data)


def ids_in(data: bytes) -> frozenset[str]:
    """Return the ids in an answer of `/models`. Raises ValueError if it is none."""
    try:
        listed = as_object(json.loads(data)).get("data")
    except (ValueError, RecursionError):
        raise ValueError("its answer is not JSON.") from None
    if not isinstance(listed, list):
        raise ValueError("its answer lists no models.")
    return frozenset(id for each in listed[:MOST_MODELS] if (id := as_text(as_object(each).get("id"))))


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.HTTPError):
        return f"it cannot be reached ({type(error).__name__})."
    return str(error)


class OwnServerExecutor:
    """An `Executor` around `children`, which runs the evaluation children: it tells them the server."""

    def __init__(self, server: OwnServer, children: Executor) -> None:
        self._server = server
        self._children = children
        self._lock = Lock()
        self._refused: dict[str, Ending] = {}

    def start(self, nonce: str, job: Job) -> None:
        """Start a child that asks the server for this model."""
        served = self._server.served
        id = served.id_of(job.model, job.commit) if served else None
        if id is None:
            with self._lock:
                self._refused[nonce] = Ending(End.WORKER, NOT_SERVED.format(model=job.model))
            return
        server = Server(url=self._server.url, model=id, is_exact=id.endswith(f"@{job.commit}"))
        self._children.start(nonce, replace(job, server=server))

    def progress(self) -> Mapping[str, Progress | None]:
        """Return what each child wrote last."""
        return self._children.progress()

    def endings(self) -> Mapping[str, Ending]:
        """Return the evaluations that have ended."""
        endings = self._children.endings()
        with self._lock:
            return {**endings, **self._refused}

    def log(self, nonce: str) -> str:
        """Return what a child logged last."""
        return self._children.log(nonce)

    def forget(self, nonce: str) -> None:
        """Drop an evaluation. Stop it if it still runs."""
        with self._lock:
            self._refused.pop(nonce, None)
        self._children.forget(nonce)

    def close(self) -> None:
        """Stop everything."""
        self._children.close()

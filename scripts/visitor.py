"""What a visitor does through a leaderboard's public API: submit models, follow them, read the table."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from gradio_client import Client

from saying import Say

SECONDS_BETWEEN_LOOKS = 0.5
PATIENCE_SECONDS = 60.0
"""How long an answer may take. Gradio's library waits for 5, which is short on a machine that evaluates."""


class NoResult(Exception):
    """A model did not reach the table; the message says why."""


class Visitor:
    """One visitor of the leaderboard at a frontend's address, who may have a token of the Hub."""

    def __init__(self, url: str, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else None
        patience = {"timeout": PATIENCE_SECONDS}
        self._client = Client(url, headers=headers, verbose=False, httpx_kwargs=patience)

    def submit(self, model: str, **fields: str) -> str:
        """Submit a model and return its request's path. Raises NoResult with the reason if it is refused."""
        answer = self._client.predict(model=model, **fields, api_name="/submit")
        if not answer["ok"]:
            raise NoResult(f"{model} was not accepted: {answer['message']}")
        return str(answer["request"])

    def queue(self) -> list[dict[str, Any]]:
        """All requests."""
        requests: list[dict[str, Any]] = self._client.predict(api_name="/queue")
        return requests

    def table(self) -> list[dict[str, Any]]:
        """The rows of the table, each by column name."""
        table = self._client.predict(api_name="/leaderboard")
        return [dict(zip(table["headers"], row, strict=True)) for row in table["rows"]]

    def reproduce(self, model: str) -> list[dict[str, Any]]:
        """The commands that compute the rows of a model again."""
        answers: list[dict[str, Any]] = self._client.predict(model=model, api_name="/reproduce")
        return answers

    def wait_for(self, models: Iterable[str], *, seconds: float, say: Say = lambda line: None) -> None:
        """Follow models until each has its average in the table, saying each change of status.

        Raises NoResult when one has failed, or when the time is over.
        """
        wanted = set(models)
        said: dict[str, str] = {}
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for request in self.queue():
                model, status = request["model"], request["status"]
                if model in wanted and said.get(model) != status:
                    said[model] = status
                    say(f"{status:9} {model}")
                if model in wanted and status == "FAILED":
                    raise NoResult(f"{model} could not be evaluated: {request['message']}")
            if wanted <= {row["Model"] for row in self.table() if row["Average ⬆️"] is not None}:
                return
            time.sleep(SECONDS_BETWEEN_LOOKS)
        raise NoResult(f"after {seconds:.0f} s the table does not hold all of {', '.join(sorted(wanted))}.")

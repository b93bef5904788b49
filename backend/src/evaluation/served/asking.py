"""Asks a server a question, and says whose fault it is if there is no answer that can be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from src.evaluation.failures import Failed
from src.evaluation.served.calls import (
    NOT_IMPLEMENTED,
    NOT_THE_MODEL,
    OWNER,
    Calls,
    Patience,
    Refused,
    Unable,
)
from src.running.inference import Server
from src.running.job import End

B = TypeVar("B", bound=BaseModel)

BYTES_OF_AN_ANSWER, BYTES_OF_A_TOKEN = 1_000_000, 2_000
"""The longest answer that is read: the first number, and the second for each token in it."""

SECONDS_FOR_A_TOKEN = 0.25
"""How long a server may take to write a token, while it writes many texts at once."""

NOT_FOUND = 404

NOT_FINITE = re.compile(r"out of range float|\bnan\b|finite number", re.IGNORECASE)
"""What servers say when a number is infinite or undefined, which JSON has no form for."""


class Asker:
    """Asks one server. Several threads may use it at once."""

    def __init__(
        self, server: Server, token: str | None, *, concurrency: int, patience: Patience | None = None
    ) -> None:
        self.server = server
        self.calls = Calls(server, token, concurrency=concurrency, patience=patience)
        self.name = server.model
        """The model's name for messages."""
        self._answered: set[str] = set()
        """The routes that have answered."""

    @property
    def is_ours(self) -> bool:
        """Whether we chose the server's image and arguments: then what it cannot do is the model's fault."""
        return self.server.is_exact and self.server.image is not None

    def ask(self, kind: type[B], route: str, body: Mapping[str, object], tokens: int) -> B:
        """Return the server's answer, which holds about so many tokens. Raises `Failed`."""
        most_bytes = BYTES_OF_AN_ANSWER + BYTES_OF_A_TOKEN * tokens
        try:
            answer = self.post(route, body, most_bytes=most_bytes, seconds=SECONDS_FOR_A_TOKEN * tokens)
        except Refused as error:
            raise self.refused(route, error) from error
        return self.read(kind, answer)

    def post(
        self,
        route: str,
        body: Mapping[str, object],
        *,
        most_bytes: int = BYTES_OF_AN_ANSWER,
        seconds: float = 0,
    ) -> bytes:
        """Return what the server answers to a body. Raises `Failed` and `Refused`."""
        try:
            answer = self.calls.post(route, body, most_bytes=most_bytes, seconds=seconds)
        except Unable as error:
            if NOT_FINITE.search(str(error)):
                raise self.not_finite(f"its server answers {error}") from error
            raise Failed(
                f"The server at {self.calls.address} fails on the same question of {self.name} each time "
                f"({error}), while it still lists its models. The question or the model may be the reason; "
                "the leaderboard's owner can find out more in the server's log.",
                End.CRASHED,
            ) from error
        self._answered.add(route)
        return answer

    def not_finite(self, reason: str) -> Failed:
        """Return the failure of a model whose numbers are infinite or undefined."""
        return Failed(
            f"{self.name} gives infinite or undefined scores to words ({reason}). Submit it in a precision "
            "with a larger range, or repair its weights."
        )

    def refused(self, route: str, error: Refused) -> Failed:
        """Return the failure of a question that the server refuses."""
        if error.status == NOT_FOUND and route in self._answered:
            return Failed(f"The server at {self.calls.address} is gone ({error}).", End.UNREACHABLE)
        remedy = (
            f"use a server that has the route {route}, or change INFERENCE_API"
            if error.status in (NOT_FOUND, NOT_IMPLEMENTED)
            else "give it a longer context or set MAX_LENGTH if the question is too long, or else remove "
            "from the settings what the server does not support"
        )
        return Failed(
            f"The server at {self.calls.address} refuses a question ({error}). {OWNER} {remedy}; "
            f"{NOT_THE_MODEL}",
            End.WORKER,
        )

    def read(self, kind: type[B], answer: bytes) -> B:
        """Return an answer of the server, which it gives in no other model's name. Raises `Failed`."""
        try:
            read = kind.model_validate_json(answer)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            place = ".".join(str(each) for each in first["loc"])
            reason = self.calls.quoted(f"{place}: {first['msg']}" if place else first["msg"])
            raise self.calls.nonsense(f"answers what cannot be read ({reason})") from error
        name = getattr(read, "model", None)
        if self.server.is_exact and name not in (None, self.server.model):
            raise self.calls.nonsense(
                f"answers in the name of another model, {self.calls.quoted(str(name))}, when it is asked "
                f"for {self.server.model}"
            )
        return read

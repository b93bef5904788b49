"""A stand-in for a model where the answers do not matter: it needs no torch, and is there at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .answers import Answer, Sampling, Step, first_stop


class PretendedModel:
    """Its tokens are bytes. It gives each token the probability 1/2, and goes on with `a` and ends."""

    max_length = 2048
    vocabulary = 256

    def answer(self, prompt: Sequence[int], sampling: Sampling, *, rates: bool, likeliest: int) -> Answer:
        """Continue a prompt."""
        written = b"a"[: sampling.max_tokens]
        text = written.decode()
        stop = first_stop(text, sampling.stop)
        return Answer(
            rated=tuple(map(step, prompt[1:])) if rates else (),
            steps=tuple(map(step, written)),
            text="" if stop else text,
            finish_reason="stop" if stop or sampling.max_tokens > 1 else "length",
            stop_reason=stop,
        )

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        """The tokens of a text."""
        return list(text.encode())

    def decode(self, tokens: Sequence[int], *, skip_special_tokens: bool = False) -> str:
        """The text of tokens."""
        return bytes(tokens).decode(errors="replace")

    def conversation(self, messages: Sequence[Mapping[str, Any]], **settings: Any) -> str | None:
        """The messages, one in a line."""
        return "\n".join(str(message.get("content")) for message in messages)


def step(token: int) -> Step:
    """A token that is the likeliest."""
    return Step(token, -0.6931471805599453, ((token, -0.6931471805599453),))

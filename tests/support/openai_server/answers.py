"""What a model is asked, what it answers, and what the server needs of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

LEAST = -9999.0
"""Stands for minus infinity, which JSON lacks. As in vLLM."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How an answer is written. Temperature 0 takes the likeliest token each time."""

    max_tokens: int
    stop: tuple[str, ...] = ()
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int | None = None
    skip_special_tokens: bool = True


@dataclass(frozen=True)
class Step:
    """A token, its log-probability after those before it, and the likeliest tokens in its place."""

    token: int
    log_probability: float
    likeliest: tuple[tuple[int, float], ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the model wrote. `rated` has the prompt's tokens but for the first, if they were asked for."""

    rated: tuple[Step, ...]
    steps: tuple[Step, ...]
    text: str
    finish_reason: str
    stop_reason: str | None = None


class Model(Protocol):
    """What answers. Calls may come from many threads."""

    max_length: int
    vocabulary: int

    def answer(self, prompt: Sequence[int], sampling: Sampling, *, rates: bool, likeliest: int) -> Answer:
        """Continue a prompt. `rates`: the prompt's tokens too; `likeliest`: how many beside each token."""

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        """The tokens of a text."""

    def decode(self, tokens: Sequence[int], *, skip_special_tokens: bool = False) -> str:
        """The text of tokens."""

    def conversation(self, messages: Sequence[Mapping[str, Any]], **settings: Any) -> str | None:
        """The messages in the model's chat template, which asks for an answer; None without a template."""


def first_stop(text: str, stops: Sequence[str]) -> str | None:
    """The stop text that comes first in a text."""
    found = [stop for stop in stops if stop in text]
    return min(found, key=text.index) if found else None

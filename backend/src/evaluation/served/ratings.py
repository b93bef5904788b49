"""Ratings: what a server is asked for the log-probabilities of a prompt's tokens, and what they mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from src.evaluation.failures import Failed
from src.evaluation.served.answers import LogProbabilities
from src.evaluation.served.calls import NOT_THE_MODEL, OWNER
from src.running.job import End

LEAST = -9_999.0
"""What vLLM writes for the logarithm of zero, because JSON has no infinity."""

ROUNDING = 1e-3
"""How far above zero rounding may take a log-probability."""

NO_RATINGS = (
    "The server at {address} does not give the log-probabilities of a prompt's tokens ({reason}), which "
    f"tasks with given answers need. {OWNER} use a server that does, such as vLLM, or evaluate only tasks in "
    f"which models write; {NOT_THE_MODEL}"
)


class Rating(NamedTuple):
    """How likely a model finds the end of a text."""

    log_probabilities: tuple[float, ...]
    """Of each token, given those before it."""
    is_greedy: bool
    """Whether each token was the likeliest."""


def to_rate(model: str, prompt: Sequence[int]) -> dict[str, object]:
    """Return the body of a question for ratings. A server needs room for one token more than the prompt."""
    return {
        "model": model,
        "prompt": list(prompt),
        "max_tokens": 1,
        "temperature": 0,
        "echo": True,
        "logprobs": 1,
    }


def read_rating(found: LogProbabilities, length: int, start: int, *, address: str) -> Rating:
    """Return the rating of a prompt of so many tokens from its start on.

    Raises `Failed`, which names the server's address, if the numbers are missing or cannot be true.
    """
    given, best = found.token_logprobs, found.top_logprobs
    # The token that it writes comes last. With another number, which is whose is unknown.
    if len(given) != length + 1 or len(best) != len(given):
        raise no_ratings(address, f"{len(given)} for {length} tokens")
    rated = []
    is_greedy = True
    for place in range(start, length):
        own, others = given[place], best[place]
        if own is None or not others:
            raise no_ratings(address, "a token has none")
        if not (math.isfinite(own) and LEAST < own <= ROUNDING):
            raise Failed(
                f"The server at {address} gives {own} as the log-probability of a token, "
                "which no probability has. The weights may not suit its precision; ask the "
                "leaderboard's owner to look into it, or submit the model in another precision.",
                End.INVALID,
            )
        rated.append(min(own, 0.0))
        token = found.tokens[place] if found.tokens and place < len(found.tokens) else None
        is_greedy &= _is_the_likeliest(own, token, others)
    return Rating(tuple(rated), is_greedy)


def no_ratings(address: str, reason: str) -> Failed:
    """Return the failure of a server that does not rate."""
    return Failed(NO_RATINGS.format(address=address, reason=reason), End.WORKER)


def _is_the_likeliest(own: float, token: str | None, best: Mapping[str, float]) -> bool:
    """Return whether no other token is as likely. Of two that are, the server names the one it writes."""
    others = [value for text, value in best.items() if text != token]
    if token is None or token not in best:
        return own >= max(best.values())
    return max(best.values()) <= own and all(value < own for value in others)

"""Texts that end an answer: how many a server takes, and how an answer is cut at the others."""

from __future__ import annotations

from collections.abc import Sequence

MOST_SENT = 4
"""How many texts OpenAI's routes take. Answers go on after the others, and are cut here."""


def sent(stop: Sequence[str]) -> list[str]:
    """Return the texts that the server is told about."""
    return [each for each in stop if each][:MOST_SENT]


def cut(answer: str, stop: Sequence[str]) -> str:
    """Return an answer as if the model had stopped at the first of these texts, without that text.

    A model stops as soon as one is complete, so the one that ends first counts.
    """
    stops = [each for each in stop if each]
    ends = [answer.index(each) + len(each) for each in stops if each in answer]
    written = answer[: min(ends)] if ends else answer
    for each in stops:
        written = written.split(each)[0]
    return written

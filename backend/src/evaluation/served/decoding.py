"""How a server decodes an answer, and how an engine does that decodes it alone."""

from __future__ import annotations

from typing import Any


def drops_a_space(tokenizer: Any, word: str = "a") -> bool:
    """Return whether a tokenizer drops the space before a word that it decodes alone, as Llama 2's does.

    A server decodes an answer as a part of the whole text, and keeps that space. The word must be a single
    token.
    """
    *_, last = tokenizer.encode(f"{word} {word}", add_special_tokens=False)
    alone: str = tokenizer.decode([last])
    return alone == word and tokenizer.decode([last, last]) == f"{word} {word}"

"""How our scripts tell what they do: a line at a time, at once."""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[[str], None]
"""Tells a line of progress."""


def say(line: str) -> None:
    """Print a line at once, also where the output is a file or a pipe."""
    print(line, flush=True)

"""What a command of upkeep prints: what it does meanwhile, and what came of it."""

from __future__ import annotations

import sys

from src.shared.errors import printable


def note(sentence: str) -> None:
    """Print what happens meanwhile, on standard error."""
    sys.stderr.write(f"{printable(sentence)}\n")
    sys.stderr.flush()


def tell(status: int, *texts: str) -> int:
    """Print what came of it, and return the exit status."""
    lines = (line for text in texts for line in text.splitlines() or [""])
    sys.stdout.write("".join(f"{printable(line)}\n" for line in lines))
    sys.stdout.flush()
    return status

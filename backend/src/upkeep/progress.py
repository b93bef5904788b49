"""Lines about long work, one every few seconds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from time import monotonic
from typing import TypeVar

from src.upkeep.datasets import Say

T = TypeVar("T")

EVERY_SECONDS = 5.0


def telling(items: Collection[T], line: str, say: Say, clock: Callable[[], float] = monotonic) -> Iterator[T]:
    """Yield each item, and say the line every few seconds, with `{done}` and `{all}` of them."""
    last = clock()
    for number, item in enumerate(items):
        if clock() - last >= EVERY_SECONDS:
            last = clock()
            say(line.format(done=f"{number:,}", all=f"{len(items):,}"))
        yield item

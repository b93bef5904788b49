"""Settings of Python's interpreter that keep the page responsive during large computations."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

SWITCH_SECONDS = 0.001
"""How long a thread runs before others get a turn. Each step of an answer would wait for Python's 5 ms."""


def switch_often() -> None:
    """Let threads take turns more often than Python's default."""
    sys.setswitchinterval(SWITCH_SECONDS)


def without_pauses(sync: Callable[[], None], version: Callable[[], int]) -> Callable[[], None]:
    """Return `sync`, followed by hiding what a new version is made of from the garbage collector.

    The collector would scan all objects of a board again and again. For 5,000 rows each scan takes a fifth of
    a second, during which nobody is answered. Unused objects are still freed; only cycles among them would
    stay.
    """
    seen = version()

    def sync_and_set_aside() -> None:
        nonlocal seen
        sync()
        if version() != seen:
            seen = version()
            gc.collect()
            gc.freeze()

    return sync_and_set_aside

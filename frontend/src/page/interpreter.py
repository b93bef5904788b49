"""How Python's interpreter is set, so that the page answers quickly while something large is worked on."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

SWITCH_SECONDS = 0.001
"""How long a thread computes before others get a turn. Each step of an answer waits for Python's 5 ms."""


def switch_often() -> None:
    """Let threads take turns more often than Python does by itself."""
    sys.setswitchinterval(SWITCH_SECONDS)


def without_pauses(sync: Callable[[], None], version: Callable[[], int]) -> Callable[[], None]:
    """Return `sync`, after which the garbage collector leaves alone what a new version is made of.

    It would look at all objects of a board again and again, a fifth of a second for 5,000 rows, during which
    nobody is answered. What is no longer used is freed as ever; only cycles in it would stay.
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

"""Waiting for a condition instead of for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 600.0
"""Seconds: longer than anything takes, also on a machine that does much else."""

PATIENCE_IN_MS = PATIENCE * 1000
"""The same in milliseconds, as Playwright counts."""


def wait_for(condition: Callable[[], T], *, seconds: float = PATIENCE, what: str = "") -> T:
    """What the condition returns once that is true; an AssertionError that says what never came otherwise."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:.0f} s still not: {what or condition}")
        time.sleep(0.02)

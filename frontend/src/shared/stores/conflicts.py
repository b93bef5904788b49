"""Trying again after a conflict: a few times, at growing distances that differ from writer to writer."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

TRIES = 20
"""Enough for a dozen writers at once, and some seconds in all."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.01, 1.0


def tries() -> Iterator[int]:
    """Number the tries, and pause at random between them; who is through leaves the loop."""
    for number in range(TRIES):
        yield number
        time.sleep(random.uniform(0, min(FIRST_PAUSE_SECONDS * 2**number, LONGEST_PAUSE_SECONDS)))

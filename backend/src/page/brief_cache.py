"""What was made a moment ago, for all who look: many who look make no more work than one."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

SECONDS = 1.0


class BriefCache(Generic[T]):
    """Gives what `make` returned, and has it made again when that was longer ago than SECONDS."""

    def __init__(self, make: Callable[[], T], *, timer: Callable[[], float] = time.monotonic) -> None:
        self._make = make
        self._timer = timer
        self._lock = Lock()
        self._made: tuple[float, T] | None = None

    def get(self) -> T:
        """Return what was made last. Whoever comes while it is made again waits for it."""
        with self._lock:
            if self._made is None or self._timer() - self._made[0] >= SECONDS:
                made = self._make()
                self._made = self._timer(), made
            return self._made[1]

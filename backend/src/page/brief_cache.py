"""A value shared by all visitors for a second, so that many visitors cost no more than one."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

SECONDS = 1.0


class BriefCache(Generic[T]):
    """Caches what `make` returns for SECONDS."""

    def __init__(self, make: Callable[[], T], *, timer: Callable[[], float] = time.monotonic) -> None:
        self._make = make
        self._timer = timer
        self._lock = Lock()
        self._made: tuple[float, T] | None = None

    def get(self) -> T:
        """Return the cached value, or make a new one. Callers that come meanwhile wait for it."""
        with self._lock:
            if self._made is None or self._timer() - self._made[0] >= SECONDS:
                made = self._make()
                self._made = self._timer(), made
            return self._made[1]

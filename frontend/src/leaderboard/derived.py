"""Keeps what is derived from an immutable value: it is computed once, at the first request."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any, TypeVar

T = TypeVar("T")


class Derived:
    """Keeps what is derived from the frozen value that holds it, as long as that value lives.

    Two threads that ask at the same time wait for one answer: thousands of rows are processed once, not
    twice.
    """

    def __init__(self) -> None:
        self._made: dict[object, Any] = {}
        self._lock = RLock()

    def once(self, what: object, make: Callable[[], T]) -> T:
        """Return what `make` returned when `what` was first asked for. If it raises, the next caller tries
        again.
        """
        if what not in self._made:  # reading needs no lock
            with self._lock:
                if what not in self._made:
                    self._made[what] = make()
        made: T = self._made[what]
        return made

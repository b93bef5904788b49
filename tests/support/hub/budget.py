"""How many calls are allowed in a window of time, counted and announced as the Hub does."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from .calls import Kind

WINDOW_SECONDS = 300


@dataclass(frozen=True)
class Allowance:
    """What is left to one caller in the present window. Below zero, the call is one too many."""

    kind: Kind
    limit: int
    remaining: int
    resets_in: int
    """Seconds"""

    @property
    def headers(self) -> dict[str, str]:
        """What every answer says about it, and an answer with 429 in particular."""
        headers = {
            "RateLimit": f'"{self.kind}";r={max(self.remaining, 0)};t={self.resets_in}',
            "RateLimit-Policy": f'"fixed window";"{self.kind}";q={self.limit};w={WINDOW_SECONDS}',
        }
        return headers if self.remaining >= 0 else {**headers, "Retry-After": str(self.resets_in)}


def _seconds_from_now_on() -> Callable[[], float]:
    """A clock that begins at 0: so the first window is a whole one, whenever a test begins."""
    begun = time.monotonic()
    return lambda: time.monotonic() - begun


@dataclass
class Budget:
    """`limits` has how many calls of a kind a user has in a window. Without a number there is no limit."""

    limits: dict[Kind, int] = field(default_factory=dict)
    clock: Callable[[], float] = field(default_factory=_seconds_from_now_on)
    _spent: defaultdict[tuple[Kind, str | None, int], int] = field(default_factory=lambda: defaultdict(int))

    def spend(self, kind: Kind, user: str | None) -> Allowance | None:
        """Count a call, and say what is left. None when the kind has no limit."""
        if kind not in self.limits:
            return None
        window, seconds_gone = divmod(self.clock(), WINDOW_SECONDS)
        key = (kind, user, int(window))
        self._spent[key] += 1
        limit = self.limits[kind]
        return Allowance(kind, limit, limit - self._spent[key], WINDOW_SECONDS - int(seconds_gone))

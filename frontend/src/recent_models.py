"""Models that were looked up a moment ago: whoever corrects a form asks the Hub nothing, and nobody can make
the leaderboard use up what the Hub answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import TypeVar

from cachetools import TTLCache

from src.shared.errors import ModelError
from src.shared.model_source import ModelFacts, ModelSource
from src.shared.read_budget import ReadBudget

T = TypeVar("T")

MOST = 1000
FACTS_SECONDS = 60.0
CARD_SECONDS = 3600.0
"""A card is asked for by the commit, at which it never changes."""

LOOKUPS = 500
"""In five minutes; the Hub answers twice as many calls, which the datasets need too."""


class RecentModels:
    """Another source, whose answers are kept for a while. It may be used by several threads."""

    def __init__(
        self,
        models: ModelSource,
        budget: ReadBudget | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._models = models
        self._budget = budget or ReadBudget(LOOKUPS)
        self._facts: TTLCache[tuple[str, str], ModelFacts] = TTLCache(MOST, FACTS_SECONDS, timer)
        self._cards: TTLCache[tuple[str, str], str] = TTLCache(MOST, CARD_SECONDS, timer)
        self._lock = Lock()

    def describe(self, name: str, revision: str) -> ModelFacts:
        """The facts as they are, or were a minute ago. Raises ModelError, also when too much was asked."""
        return self._kept(self._facts, (name, revision), lambda: self._describe(name, revision))

    def card(self, name: str, revision: str) -> str:
        """The card's text. Raises ModelError."""
        return self._kept(self._cards, (name, revision), lambda: self._models.card(name, revision))

    def forget(self, name: str, revision: str) -> None:
        """Ask again the next time."""
        with self._lock:
            self._facts.pop((name, revision), None)

    def _describe(self, name: str, revision: str) -> ModelFacts:
        until = self._budget.spend(1)
        if until:
            raise ModelError(
                f"Cannot look up {name}: too many models were looked up here in the last minutes. Try again "
                f"at {until:%H:%M:%S} UTC."
            )
        return self._models.describe(name, revision)

    def _kept(self, cache: TTLCache[tuple[str, str], T], key: tuple[str, str], ask: Callable[[], T]) -> T:
        """Two who ask for the same at once both ask; the lock is never held while the Hub is."""
        with self._lock:
            if key in cache:
                return cache[key]
        answer = ask()
        with self._lock:
            cache[key] = answer
        return answer

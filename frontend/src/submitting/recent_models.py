"""Recent lookups of models, so that corrections of a form ask the Hub nothing and nobody uses up the Hub's
limit for all.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

from cachetools import LRUCache, TTLCache

from src.shared.errors import ModelError, shown
from src.shared.models.model_source import ModelFacts, ModelSource
from src.shared.process.steady import on_the_wall, steady_now
from src.shared.stores.budgets import ReadBudget
from src.shared.times import Clock
from src.submitting.submitter import Submitter

T = TypeVar("T")

MOST = 1000
"""The most logins whose lookups are counted: more than LOOKUPS lets in within five minutes."""

MOST_NAMES = 200_000
"""Files, tags and base models of all the models that are remembered."""

MOST_CHARACTERS = 10_000_000
"""Of all cards that are remembered: four bytes each in the worst case."""

SMALLEST = 100
"""The least that an answer counts for."""

FACTS_SECONDS = 60.0
CARD_SECONDS = 3600.0
"""A card is asked for by the commit, at which it never changes."""

LOOKUPS = 300
"""Of everybody in five minutes. Each lookup is one call, or two for a gated model. The Hub's limit is 1,000,
which the datasets need too.
"""

LOOKUPS_OF_ONE = 60
"""Of one login."""

LOOKUPS_WITHOUT_LOGIN = 200
"""Of everybody without a login together, so that some are left for those with one."""


class RecentModels:
    """A source in front of another one, keeping its answers for a while. Several threads may use it."""

    def __init__(self, models: ModelSource, *, clock: Clock = steady_now) -> None:
        self._models = models
        self._clock = clock
        self._budget = ReadBudget(LOOKUPS, clock)
        self._budgets: LRUCache[str | None, ReadBudget] = LRUCache(MOST)
        self._facts: TTLCache[tuple[str, str], ModelFacts] = TTLCache(
            MOST_NAMES, FACTS_SECONDS, getsizeof=_number_of_names
        )
        self._cards: TTLCache[tuple[str, str], str] = TTLCache(
            MOST_CHARACTERS, CARD_SECONDS, getsizeof=lambda card: len(card) + SMALLEST
        )
        self._lock = Lock()

    def asked_by(self, who: Submitter) -> ModelSource:
        """The source as one submitter sees it, with the budget of that one."""
        return _Asked(self, who.login)

    def describe(self, name: str, revision: str, login: str | None) -> ModelFacts:
        """Return the facts, up to a minute old. Raises ModelError, also after too many lookups."""

        def ask() -> ModelFacts:
            self.spend(name, login)
            return self._models.describe(name, revision)

        return self._kept(self._facts, (name, revision), ask)

    def card(self, name: str, revision: str) -> str:
        """The card's text. Raises ModelError."""
        return self._kept(self._cards, (name, revision), lambda: self._models.card(name, revision))

    def forget(self, name: str, revision: str) -> None:
        """Ask again the next time."""
        with self._lock:
            self._facts.pop((name, revision), None)

    def spend(self, name: str, login: str | None) -> None:
        """Count one lookup. Raises ModelError when this submitter, or all together, had too many."""
        with self._lock:
            limit = LOOKUPS_OF_ONE if login else LOOKUPS_WITHOUT_LOGIN
            own = self._budgets.setdefault(login, ReadBudget(limit, self._clock))
        until = own.spend(1) or self._budget.spend(1)
        if until:
            raise ModelError(
                f"Cannot look up {shown(name)}: too many models were looked up here in the last few minutes. "
                f"Try again at {on_the_wall(until):%H:%M:%S} UTC."
            )

    def _kept(self, cache: TTLCache[tuple[str, str], T], key: tuple[str, str], ask: Callable[[], T]) -> T:
        """Return the cached answer or ask for it. Simultaneous callers may both ask: no lock is held
        meanwhile.
        """
        with self._lock:
            if key in cache:
                return cache[key]
        answer = ask()
        with self._lock, suppress(ValueError):  # it is larger than the whole cache
            cache[key] = answer
        return answer


def _number_of_names(facts: ModelFacts) -> int:
    return len(facts.files) + len(facts.tags) + len(facts.base_models) + SMALLEST


@dataclass(frozen=True)
class _Asked:
    """Recent models, as one login asks for them."""

    models: RecentModels
    login: str | None

    def describe(self, name: str, revision: str) -> ModelFacts:
        """As RecentModels does."""
        return self.models.describe(name, revision, self.login)

    def card(self, name: str, revision: str) -> str:
        """As RecentModels does."""
        return self.models.card(name, revision)

"""The kinds of filters: what a choice means for rows, how it reads, and how an address writes it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from math import inf, isfinite
from typing import Any, NamedTuple

from src.columns import Column
from src.leaderboard.rows import Row

RANGE, UNKNOWN, NOTHING = "..", "unknown", "nothing"
"""How an address writes ranges, rows without a number, and an empty choice."""

LONGEST, MOST_CHOICES = 200, 20
"""The characters of a text that can be a choice, and how many texts of one filter can be chosen."""

LONGEST_DAY = len("2026-11-29")

Predicate = Callable[[Row], bool]
"""Whether a row stays in the table."""


class Kind(NamedTuple):
    """A kind of rows."""

    label: str
    has: Predicate
    """Whether a row is of this kind."""


class Part(NamedTuple):
    """A part of a choice that a visitor can take back."""

    label: str
    without: Any
    """The choice without it."""


@dataclass(frozen=True)
class Filter:
    """What all filters have. Each kind of filter says in `predicate` what a choice means."""

    name: str
    """Its name in the state of a view and in the page's address."""
    label: str
    is_rare: bool = field(default=False, kw_only=True)
    """Whether its control is folded away at first."""


@dataclass(frozen=True)
class AnyOf(Filter):
    """Keeps the rows that are of a chosen kind, or have a chosen text in a column."""

    column: Column | None = None
    """The column whose texts can be chosen; None for a filter that has kinds only."""
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    """The kinds by name, in the order in which they are offered, before the texts."""
    at_first: frozenset[str] = frozenset()

    def predicate(self, chosen: Collection[str]) -> Predicate | None:
        """Return which rows stay; None if all do."""
        kinds = [self.kinds[name].has for name in self.kinds if name in chosen]
        texts = frozenset(chosen) - self.kinds.keys()
        column = self.column
        if column is not None and texts:
            kinds.append(lambda row: column.value_of(row) in texts)
        return (lambda row: any(has(row) for has in kinds)) if kinds else None

    def label_of(self, choice: str) -> str:
        """Return how a choice reads."""
        return self.kinds[choice].label if choice in self.kinds else choice

    def parts(self, chosen: frozenset[str]) -> list[Part]:
        """Return the parts that a visitor can take back."""
        return [Part(f"{self.label}: {self.label_of(each)}", chosen - {each}) for each in sorted(chosen)]

    def texts(self, chosen: Collection[str]) -> list[str]:
        """Return a choice as texts, for an address."""
        return sorted(chosen)

    def read(self, texts: Iterable[str]) -> frozenset[str]:
        """Return the choice in texts that anybody may have written. Without a column, only kinds count."""
        fitting = [
            text for text in texts if text in self.kinds or (self.column is not None and len(text) <= LONGEST)
        ]
        return frozenset(fitting[:MOST_CHOICES])


@dataclass(frozen=True)
class Range:
    """A range of numbers."""

    low: float | None = None
    """The smallest number in the range; None if it has no lower end."""
    high: float | None = None
    """The largest number in the range; None if it has no upper end."""
    with_unknown: bool = False
    """Whether rows without a number are in the range."""


@dataclass(frozen=True)
class Within(Filter):
    """Keeps the rows whose number in a column is in a range."""

    column: Column
    unit: str
    """What the numbers count, for people."""
    at_first: Range = Range()

    def predicate(self, chosen: Range) -> Predicate | None:
        """Return which rows stay; None if all do."""
        if chosen.low is None and chosen.high is None:
            return None
        low = -inf if chosen.low is None else chosen.low
        high = inf if chosen.high is None else chosen.high

        def is_within(row: Row) -> bool:
            value = self.column.value_of(row)
            return low <= value <= high if isinstance(value, int | float) else chosen.with_unknown

        return is_within

    def parts(self, chosen: Range) -> list[Part]:
        """Return the parts that a visitor can take back: the range as a whole."""
        if chosen.low is None and chosen.high is None:
            return []
        ends = (chosen.low, chosen.high)
        low, high = ("" if end is None else f"{end:g}" for end in ends)
        text = f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}"
        return [Part(f"{self.label}: {text}{' or unknown' * chosen.with_unknown}", self.at_first)]

    def texts(self, chosen: Range) -> list[str]:
        """Return a choice as texts, for an address: `3..8`, `..8`, `unknown`."""
        ends = ["" if end is None else f"{end:.15g}" for end in (chosen.low, chosen.high)]
        return [RANGE.join(ends)] * any(ends) + [UNKNOWN] * chosen.with_unknown

    def read(self, texts: Iterable[str]) -> Range:
        """Return the choice in an address."""
        texts = list(texts)
        low, _, high = next((text for text in texts if RANGE in text), "").partition(RANGE)
        return Range(_number(low), _number(high), with_unknown=UNKNOWN in texts)


@dataclass(frozen=True)
class Since(Filter):
    """Keeps the rows whose day in a column is a chosen one or a later one."""

    column: Column
    at_first: str = ""

    def predicate(self, chosen: str) -> Predicate | None:
        """Return which rows stay; None if all do. A row without a day does not."""
        if not chosen:
            return None
        return lambda row: str(self.column.value_of(row) or "") >= chosen

    def parts(self, chosen: str) -> list[Part]:
        """Return the parts that a visitor can take back."""
        return [Part(f"{self.label} {chosen}", "")] if chosen else []

    def texts(self, chosen: str) -> list[str]:
        """Return a choice as texts, for an address: `2026-11-29`."""
        return [chosen] if chosen else []

    def read(self, texts: Iterable[str]) -> str:
        """Return the choice in texts that anybody may have written; empty if they name no day."""
        return next((day for text in texts if (day := _day(text))), "")


@dataclass(frozen=True)
class Without(Filter):
    """Leaves out the chosen kinds of rows."""

    kinds: Mapping[str, Kind]
    """The kinds by name."""
    at_first: frozenset[str] = frozenset()
    """The kinds that are left out until a visitor chooses."""

    def predicate(self, chosen: Collection[str]) -> Predicate | None:
        """Return which rows stay; None if all do. Names of no kind are skipped."""
        kinds = [kind.has for name, kind in self.kinds.items() if name in chosen]
        return (lambda row: not any(has(row) for has in kinds)) if kinds else None

    def parts(self, chosen: frozenset[str]) -> list[Part]:
        """Return the parts that a visitor can take back: what is left out, unless it always is at first."""
        return [
            Part(f"{self.label}: {kind.label}", chosen - {name})
            for name, kind in self.kinds.items()
            if name in chosen - self.at_first
        ]

    def texts(self, chosen: Collection[str]) -> list[str]:
        """Return a choice as texts, for an address. An empty choice must be told from none."""
        return sorted(chosen) or [NOTHING]

    def read(self, texts: Iterable[str]) -> frozenset[str]:
        """Return the choice in an address."""
        known = frozenset(texts) & {*self.kinds, NOTHING}
        return known - {NOTHING} if known else self.at_first


AnyFilter = AnyOf | Since | Within | Without


def _day(text: str) -> str:
    try:
        day = date.fromisoformat(text[:LONGEST_DAY]).isoformat()
    except ValueError:
        return ""
    return day if text.startswith(day) else ""  # other spellings of ISO 8601 are not offered


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) and number >= 0 else None

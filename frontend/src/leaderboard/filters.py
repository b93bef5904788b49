"""The filters: one line each in FILTERS, from which their control, their state and their predicate follow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite
from types import MappingProxyType
from typing import Any, NamedTuple

from src.columns import PARAMS, PRECISION, TYPE, Column
from src.leaderboard.rows import Row

RANGE, UNKNOWN, NOTHING = "..", "unknown", "nothing"
"""How an address writes ranges, rows without a number, and an empty choice."""

LONGEST = 200
"""Characters of a text in an address that can be a choice."""

Predicate = Callable[[Row], bool]
"""Whether a row stays in the table."""

Chosen = Mapping[str, Any]
"""What is chosen of each filter, by the filter's name. A filter that is missing lets every row pass."""


@dataclass(frozen=True)
class Filter:
    """What all filters have. Each kind says in `predicate` what a choice means."""

    name: str
    """Its name in the state of a view and in the page's address."""
    label: str
    is_rare: bool = field(default=False, kw_only=True)
    """Whether its control is folded away at first."""


@dataclass(frozen=True)
class OneOf(Filter):
    """Keeps the rows with one of the chosen texts in a column."""

    column: Column
    at_first: frozenset[str] = frozenset()

    def texts(self, chosen: Collection[str]) -> list[str]:
        """Return a choice as texts, for an address."""
        return sorted(chosen)

    def read(self, texts: Iterable[str]) -> frozenset[str]:
        """Return the choice in an address."""
        return frozenset(text for text in texts if len(text) <= LONGEST)

    def predicate(self, chosen: Collection[str]) -> Predicate | None:
        """Return which rows stay; None if all do."""
        texts = frozenset(chosen)
        return (lambda row: self.column.value_of(row) in texts) if texts else None


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

    def texts(self, chosen: Range) -> list[str]:
        """Return a choice as texts, for an address: `3..8`, `..8`, `unknown`."""
        ends = ["" if end is None else f"{end:.15g}" for end in (chosen.low, chosen.high)]
        return [RANGE.join(ends)] * any(ends) + [UNKNOWN] * chosen.with_unknown

    def read(self, texts: Iterable[str]) -> Range:
        """Return the choice in an address."""
        texts = list(texts)
        low, _, high = next((text for text in texts if RANGE in text), "").partition(RANGE)
        return Range(_number(low), _number(high), with_unknown=UNKNOWN in texts)

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


class Kind(NamedTuple):
    """A kind of rows."""

    label: str
    has: Predicate
    """Whether a row is of this kind."""


@dataclass(frozen=True)
class Without(Filter):
    """Leaves out the chosen kinds of rows."""

    kinds: Mapping[str, Kind]
    """The kinds by name."""
    at_first: frozenset[str] = frozenset()
    """The kinds that are left out until a visitor chooses."""

    def texts(self, chosen: Collection[str]) -> list[str]:
        """Return a choice as texts, for an address. An empty choice must be told from none."""
        return sorted(chosen) or [NOTHING]

    def read(self, texts: Iterable[str]) -> frozenset[str]:
        """Return the choice in an address."""
        return frozenset(texts) & self.kinds.keys()

    def predicate(self, chosen: Collection[str]) -> Predicate | None:
        """Return which rows stay; None if all do. Names of no kind are skipped."""
        kinds = [kind.has for name, kind in self.kinds.items() if name in chosen]
        return (lambda row: not any(has(row) for has in kinds)) if kinds else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


GONE, INCOMPLETE = "gone", "incomplete"
TYPES = OneOf("type", "Types", TYPE)
PRECISIONS = OneOf("precision", "Precisions", PRECISION)
SIZES = Within("size", "Size", PARAMS, "Billions of parameters", is_rare=True)
HIDDEN = Without(
    "without",
    "Hide",
    MappingProxyType(
        {
            # A model that was never checked does not count as gone.
            GONE: Kind("No longer on the Hub", lambda row: row.is_available is False),
            INCOMPLETE: Kind("Without all scores", lambda row: not row.is_complete),
        }
    ),
    frozenset({GONE}),
    is_rare=True,
)
FILTERS: tuple[OneOf | Within | Without, ...] = (TYPES, PRECISIONS, SIZES, HIDDEN)


def predicate(chosen: Chosen) -> Predicate:
    """Return which rows all filters keep."""
    parts = [each.predicate(chosen[each.name]) for each in FILTERS if each.name in chosen]
    wanted = [part for part in parts if part]
    return lambda row: all(passes(row) for passes in wanted)


def choices(column: Column, rows: Iterable[Row]) -> list[str]:
    """Return the choices of a filter on a column: the texts that occur."""
    values = {str(value) for row in rows if (value := column.value_of(row)) is not None}
    return sorted(values, key=str.casefold)

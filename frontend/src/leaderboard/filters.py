"""The filters: one line each in FILTERS, from which their control, their state and their predicate follow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType
from typing import Any

from src.columns import PARAMS, PRECISION, TYPE, Column
from src.leaderboard.rows import Row

Predicate = Callable[[Row], bool]
"""Whether a row stays in the table."""

Chosen = Mapping[str, Any]
"""What is chosen of each filter, by the filter's name. A filter that is missing lets every row pass."""


@dataclass(frozen=True)
class Filter:
    """What all filters have. Each kind says in `predicate` what a choice means."""

    name: str
    """Its name in the state of a view."""
    label: str
    is_rare: bool = field(default=False, kw_only=True)
    """Whether its control is folded away at first."""


@dataclass(frozen=True)
class OneOf(Filter):
    """Keeps the rows with one of the chosen texts in a column."""

    column: Column

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


@dataclass(frozen=True)
class Without(Filter):
    """Leaves out the chosen kinds of rows."""

    kinds: Mapping[str, Predicate]
    """Whether a row is of a kind, by the kind's name."""
    at_first: frozenset[str] = frozenset()
    """The kinds that are left out until a visitor chooses."""

    def predicate(self, chosen: Collection[str]) -> Predicate | None:
        """Return which rows stay; None if all do. Names of no kind are skipped."""
        kinds = [self.kinds[name] for name in self.kinds if name in chosen]
        return (lambda row: not any(is_one(row) for is_one in kinds)) if kinds else None


GONE = "No longer on the Hub"
TYPES = OneOf("types", "Types", TYPE)
PRECISIONS = OneOf("precisions", "Precisions", PRECISION)
SIZES = Within("sizes", "Size", PARAMS, "Billions of parameters", is_rare=True)
HIDDEN = Without(
    "hidden",
    "Hide",
    MappingProxyType(
        {
            # A model that was never checked does not count as gone.
            GONE: lambda row: row.is_available is False,
            "Without all scores": lambda row: not row.is_complete,
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

"""The filters: one line each in FILTERS, from which their control, their state and their predicate follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

from src.columns import (
    ARCHITECTURE,
    DOLLARS,
    EVALUATED,
    LICENSE,
    MINUTES,
    PARAMS,
    PRECISION,
    TYPE,
    Column,
)
from src.leaderboard.filter_kinds import UNKNOWN, AnyFilter, AnyOf, Kind, Predicate, Since, Within, Without
from src.leaderboard.licenses import is_open
from src.leaderboard.rows import Row
from src.shared.models.model_source import MERGE, MIXTURE_OF_EXPERTS

Chosen = Mapping[str, Any]
"""What is chosen of each filter, by the filter's name. A filter that is missing lets every row pass."""


def _license(row: Row) -> str | None:
    return row.request.license if row.request else None


def _is_of_a_size(low: float, high: float) -> Predicate:
    """Whether a size is above the lower end, and not above the higher one."""

    def is_of_it(row: Row) -> bool:
        params = row.request.params if row.request else None
        return params is not None and low < params <= high

    return is_of_it


def _has_tag(tag: str) -> Predicate:
    return lambda row: tag in row.tags


GONE, INCOMPLETE, PRELIMINARY, FLAGGED = "gone", "incomplete", "preliminary", "flagged"
TYPES = AnyOf("type", "Type", TYPE)
PRECISIONS = AnyOf("precision", "Precision", PRECISION)
LICENSES = AnyOf(
    "license",
    "Licence",
    LICENSE,
    {
        "open": Kind("Open licences", lambda row: is_open(_license(row)) is True),
        "not open": Kind("Other licences", lambda row: is_open(_license(row)) is False),
        "none": Kind("No licence stated", lambda row: is_open(_license(row)) is None),
    },
)
SIZE_RANGES = AnyOf(
    "sizes",
    "Size",
    kinds={
        "0-3": Kind("≤ 3 B", _is_of_a_size(-inf, 3)),
        "3-8": Kind("3–8 B", _is_of_a_size(3, 8)),
        "8-30": Kind("8–30 B", _is_of_a_size(8, 30)),
        "30-": Kind("> 30 B", _is_of_a_size(30, inf)),
        UNKNOWN: Kind("Unknown", lambda row: row.request is None or row.request.params is None),
    },
)
SIZES = Within("size", "Size", PARAMS, "Billions of parameters")
HIDDEN = Without(
    "without",
    "Hide",
    {
        # A model that was never checked does not count as gone.
        GONE: Kind("No longer on the Hub", lambda row: row.is_available is False),
        INCOMPLETE: Kind("Without all scores", lambda row: not row.is_complete),
        MERGE: Kind("Merged models", _has_tag(MERGE)),
        MIXTURE_OF_EXPERTS: Kind("Mixtures of experts", _has_tag(MIXTURE_OF_EXPERTS)),
        PRELIMINARY: Kind("Preliminary", lambda row: row.is_preliminary),
        FLAGGED: Kind("Flagged", lambda row: row.flag is not None),
    },
    frozenset({GONE}),
    is_rare=True,
)
ARCHITECTURES = AnyOf("architecture", "Architecture", ARCHITECTURE, is_rare=True)
DURATIONS = Within("minutes", "Duration", MINUTES, "Minutes that the evaluation took", is_rare=True)
COSTS = Within("dollars", "Cost", DOLLARS, "Dollars that the evaluation cost", is_rare=True)
DATES = Since("since", "Evaluated since", EVALUATED, is_rare=True)
FILTERS: tuple[AnyFilter, ...] = (
    TYPES,
    PRECISIONS,
    LICENSES,
    SIZE_RANGES,
    SIZES,
    DATES,
    DURATIONS,
    COSTS,
    ARCHITECTURES,
    HIDDEN,
)


def predicate(chosen: Chosen) -> Predicate:
    """Return which rows all filters keep."""
    parts = [each.predicate(chosen[each.name]) for each in FILTERS if each.name in chosen]
    wanted = [part for part in parts if part]
    return lambda row: all(passes(row) for passes in wanted)


def choices(column: Column, rows: Iterable[Row]) -> list[str]:
    """Return the choices of a filter on a column: the texts that occur."""
    values = {str(value) for row in rows if (value := column.value_of(row)) is not None}
    return sorted(values, key=str.casefold)

"""What the evaluations of a row took: minutes and dollars, as numbers and in words."""

from __future__ import annotations

from collections.abc import Callable
from math import fsum

from src.leaderboard.rows import Row
from src.shared.data.dollars import at_most, in_dollars
from src.shared.data.provenance import Cost


def minutes(row: Row) -> float | None:
    """Return how many minutes the evaluations took that a row's scores are from; None if one is unknown."""
    return _total(row, lambda cost: cost.minutes)


def dollars(row: Row) -> float | None:
    """Return how many dollars the evaluations cost that a row's scores are from; None if one is unknown."""
    return _total(row, lambda cost: cost.dollars)


def price_in_words(price: float | None) -> str:
    """Return a price in dollars an hour; empty if it is unknown."""
    return "" if price is None else f"{in_dollars(price)} an hour"


def cost_in_words(cost: Cost) -> str:
    """Return what an evaluation cost at most; empty if that is unknown."""
    return "" if cost.dollars is None else at_most(cost.dollars)


def _total(row: Row, read: Callable[[Cost], float | None]) -> float | None:
    """Return the sum over the runs that a row's scores are from; None if one is unknown, or there is none."""
    values = [read(result.provenance.cost) for result in row.results]
    known = [value for value in values if value is not None]
    return fsum(known) if known and len(known) == len(values) else None

"""A range of time in the words that a person would use: `in 40 minutes to 2 hours`."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

MINUTE, HOUR, DAY = 60, 3_600, 86_400

SOON = 10 * MINUTE
"""What is surely over before this is `within 10 minutes`."""

STEPS = (
    *(minutes * MINUTE for minutes in (5, 10, 15, 20, 30, 40, 50)),
    *(hours * HOUR for hours in (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18)),
    *(days * DAY for days in (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 14, 21, 30, 45, 60, 90)),
)
"""The times that people name, in seconds."""

LONGER = "in more than 90 days"
A_MOMENT = "a few minutes"


class Range(NamedTuple):
    """Between which times something happens, four times out of five."""

    low: timedelta
    high: timedelta


def in_words(range: Range) -> str:
    """Return a range as people say it. It is never narrower than the range: low is rounded down, high up."""
    low, high = range.low.total_seconds(), range.high.total_seconds()
    if low > STEPS[-1]:
        return LONGER
    later = next((step for step in STEPS if step >= high), None)
    if later is None:
        return f"in {_named(_down(low)) if low >= STEPS[0] else A_MOMENT} or more"
    if low < STEPS[0]:
        return f"within {_named(max(later, SOON))}"
    if _down(low) == later:
        return f"in about {_named(later)}"
    return f"in {_between(_down(low), later)}"


def _down(seconds: float) -> float:
    return max((step for step in STEPS if step <= seconds), default=0)


def _between(low: float, high: float) -> str:
    """Return two times; the unit is said once if both have it."""
    (number, unit), (other, others) = _parts(low), _parts(high)
    if unit == others:
        return f"{number} to {other} {unit}s"
    return f"{_named(low)} to {_named(high)}"


def _named(seconds: float) -> str:
    number, unit = _parts(seconds)
    return f"{number} {unit}{'' if number == '1' else 's'}"


def _parts(seconds: float) -> tuple[str, str]:
    units = (("day", DAY), ("hour", HOUR))
    unit, length = next((each for each in units if seconds >= each[1]), ("minute", MINUTE))
    return f"{seconds / length:g}", unit

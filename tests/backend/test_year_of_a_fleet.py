"""A year with a fleet against one with fixed workers, and against what it must cost at least.

The figures in docs/fleet.md are those that these tests compute.
"""

from functools import cache
from math import nan
from pathlib import Path

import numpy as np
import pytest

from src.fleet.situation import Limits
from support.sources import ROOT
from support.year import DAY, LIMITS, SUBMISSIONS, Simulation, Told, Year, submissions

pytestmark = pytest.mark.slow

DOCUMENT: Path = ROOT / "docs" / "fleet.md"
SEED = 1

LARGER = "a fleet of 24, $800 a day"

ONE = (("h200x2", 0.0, 1e9),)
"""One worker that has room for everything."""

TWICE = Limits(max_workers=24, dollars_a_day=800.0)
"""Twice as many members, and twice the money of a day."""

FOUR = (("l4x1", 0.0, 18.0), ("l4x1", 0.0, 18.0), ("a100-large", 18.0, 60.0), ("h200x2", 60.0, 1e9))
"""Workers of three sizes, each for what the smaller ones have no room for."""


@cache
def year(way: str) -> Year:
    """The year, with one way of having workers."""
    fixed = {"one worker on h200x2": ONE, "four workers": FOUR}.get(way, ())
    limits, every = (TWICE if way == LARGER else LIMITS), (4 if way == "the fleet" else 0)
    return Simulation(submissions(SEED), SEED, fixed=fixed, limits=limits, estimate_each=every).run()


def waits(way: str) -> list[float]:
    """The minutes that each submission waited for its evaluation to begin."""
    return [year(way).waited.get(number, nan) / 60 for number in range(SUBMISSIONS)]


def is_in_the_document(row: str) -> bool:
    return row in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize("way", ["the fleet", LARGER, "four workers", "one worker on h200x2"])
def test_the_document_says_what_a_year_costs_and_how_long_models_wait(way: str) -> None:
    found = year(way)
    minutes = waits(way)
    assert not np.isnan(minutes).any(), "each submission has its result"
    median, late = np.quantile(minutes, (0.5, 0.95))
    dollars = f"${found.dollars:,.0f} | {found.dollars / found.least_dollars:.2f}"
    row = f"| {way} | {dollars} | {median:.0f} | {np.mean(minutes):.0f} | {late:,.0f} |"
    assert is_in_the_document(row), row


def test_the_fleet_costs_little_more_than_the_least_and_keeps_nobody_waiting_for_long() -> None:
    found, minutes = year("the fleet"), waits("the fleet")
    assert found.dollars < 1.3 * found.least_dollars
    assert np.quantile(minutes, 0.5) < 10
    assert np.quantile(minutes, 0.95) < 240
    assert found.most_at_once <= LIMITS.max_workers
    assert max(found.by_day.values()) <= (LIMITS.dollars_a_day or 0.0)


def told() -> list[Told]:
    """The estimates of the fleet's year, each for a model that was just submitted."""
    return [each for each in year("the fleet").told if each.estimate.range]


def shown(estimates: list[Told], when: str) -> str:
    """A row of the document: how often the truth was in the range, and how wide ranges were."""
    ranges = [each.estimate.range for each in estimates if each.estimate.range]
    right = 100 * np.mean([each.is_right for each in estimates])
    width = np.median([(each.high - each.low).total_seconds() / 60 for each in ranges])
    factor = np.median([each.high / each.low for each in ranges])
    return f"| {when} | {len(ranges):,} | {right:.0f} % | {width:.0f} | {factor:.1f} |"


def test_the_truth_is_in_four_of_five_ranges() -> None:
    assert 0.75 <= np.mean([each.is_right for each in told()]) <= 0.88


@pytest.mark.parametrize(
    ("when", "first", "last"),
    [
        ("first week", 0, 7),
        ("rest of the first quarter", 7, 91),
        ("second quarter", 91, 182),
        ("third quarter", 182, 273),
        ("fourth quarter", 273, 366),
        ("whole year", 0, 366),
    ],
)
def test_the_document_says_how_good_the_estimates_are(when: str, first: int, last: int) -> None:
    row = shown([each for each in told() if first * DAY <= each.second < last * DAY], when)
    assert is_in_the_document(row), row


@pytest.mark.parametrize(
    ("when", "least", "most"),
    [("within 30 minutes", 0, 30), ("30 minutes to 2 hours", 30, 120), ("later", 120, 1e9)],
)
def test_the_document_says_how_good_the_estimates_are_for_short_and_long_waits(
    when: str, least: float, most: float
) -> None:
    row = shown([each for each in told() if each.estimate.range and least <= _middle(each) < most], when)
    assert is_in_the_document(row), row


def _middle(told: Told) -> float:
    """The middle of a range, in minutes."""
    assert told.estimate.range
    return (told.estimate.range.low + told.estimate.range.high).total_seconds() / 120

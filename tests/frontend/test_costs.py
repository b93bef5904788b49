"""What evaluations cost, in the table: sums over runs, and unknown where one of them is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.columns import DOLLARS, MINUTES, columns
from src.leaderboard.costs import dollars, minutes
from src.leaderboard.filter_kinds import Range
from src.leaderboard.filters import COSTS, DURATIONS
from src.leaderboard.rows import Row
from src.leaderboard.sorting import Sort, in_order
from support.boards import Leaderboard, run_at, scores
from support.charted import evaluation, row

amounts = st.none() | st.floats(0, 1e5)
runs = st.lists(st.tuples(amounts, amounts), max_size=6)


def row_of(found: list[tuple[float | None, float | None]]) -> Row:
    """A row whose scores are of several runs, each with its minutes and price; each has two scores."""
    sources = [
        evaluation(time, price, f"acme/tiny/{place}.json") for place, (time, price) in enumerate(found)
    ]
    return replace(row(1.0), sources=(None, *sources, *sources))


@given(runs)
def test_a_row_costs_what_its_runs_cost_each_counted_once(
    found: list[tuple[float | None, float | None]],
) -> None:
    made = row_of(found)
    times = [time for time, _ in found]
    costs = [None if time is None or price is None else time * price / 60 for time, price in found]
    for total, each in ((minutes(made), times), (dollars(made), costs)):
        if not each or None in each:
            assert total is None
        else:
            assert total == pytest.approx(sum(value for value in each if value is not None))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (0.001234, "0.0012"),
        (0.099, "0.099"),
        (0.5, "0.50"),
        (12.0, "12.00"),
        (1234.5, "1,234.50"),
    ],
)
def test_dollars_are_readable_from_the_smallest_to_the_largest(value: float, text: str) -> None:
    assert DOLLARS.text(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.0"), (0.0123, "0.012"), (1.25, "1.2"), (90.0, "90.0"), (12345.6, "12,345.6")]
)
def test_minutes_are_readable_from_the_smallest_to_the_largest(value: float, text: str) -> None:
    assert MINUTES.text(value) == text


def test_both_columns_are_hidden_at_first_and_empty_where_the_costs_are_unknown() -> None:
    unknown = row(1.0, minutes=None)
    for column in (MINUTES, DOLLARS):
        assert column in columns(())
        assert not column.is_default
        assert column.cell(unknown) == (None, "")
    assert DOLLARS.cell(row(1.0, minutes=90.0)) == (1.5, "1.50")


@pytest.mark.parametrize("worst_first", [False, True])
def test_the_cheapest_comes_first_and_the_unknown_last_either_way(worst_first: bool) -> None:
    rows = [row(1.0, price=price, minutes=60) for price in (3.0, None, 1.0, 0.0)]
    ordered = in_order(rows, DOLLARS, Sort(DOLLARS.name, worst_first))
    known = [0.0, 1.0, 3.0]
    assert [dollars(each) for each in ordered] == [*(known[::-1] if worst_first else known), None]


def test_rows_are_filtered_by_minutes_and_dollars() -> None:
    rows = [row(1.0, minutes=time, price=2.0) for time in (30.0, 60.0, 120.0, None)]
    passes = DURATIONS.predicate(Range(45, 90))
    assert passes
    assert [minutes(each) for each in rows if passes(each)] == [60.0]
    passes = COSTS.predicate(Range(2, None, with_unknown=True))
    assert passes
    assert [dollars(each) for each in rows if passes(each)] == [2.0, 4.0, None]


def test_tasks_of_two_evaluations_cost_both(leaderboard: Leaderboard) -> None:
    for hours, found, seconds in ((0, (0.1, 0.2, 0.3), 1800), (24, (0.5, None, None), 600)):
        cost = {"hardware": "a10g-small", "seconds": seconds, "price": 1.2}
        leaderboard.add_result(run=run_at(hours), scores=scores(*found), cost=cost)
    leaderboard.keeper.sync()
    [found_row] = leaderboard.keeper.now.board.standings.rows
    assert found_row.scores == (50.0, 20.0, 30.0)
    assert (minutes(found_row), dollars(found_row)) == (40.0, pytest.approx(0.8))

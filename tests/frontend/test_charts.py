"""The numbers behind the charts: the Pareto front, the records, the heat map and the correlations."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.leaderboard.charts import (
    LARGEST_SCORE,
    MOST_MODELS,
    correlations,
    cost_chart,
    heat_map,
    pareto_front,
    pearson,
    ranks,
    records,
    size_chart,
    time_chart,
)
from src.leaderboard.merging import standings
from src.leaderboard.scores import main_column, scores_of, task_columns
from src.leaderboard.scoring import TaskColumn
from src.tasks import Task
from support.boards import TASKS, make_result, scores
from support.charted import DOWN, UP, board, named, row

FEW = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-3, 3).map(float)
POINTS = st.lists(st.tuples(FEW, FEW), max_size=30)


def dominates(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[0] and one[1] >= other[1] and one != other


@given(POINTS)
def test_the_front_is_exactly_the_points_that_none_dominates(points: list[tuple[float, float]]) -> None:
    sizes, values = (np.array([point[axis] for point in points], dtype=float) for axis in (0, 1))
    expected = [not any(dominates(other, point) for other in points) for point in points]
    assert pareto_front(sizes, values).tolist() == expected


@given(st.lists(FEW, max_size=30))
def test_records_never_fall_and_the_last_is_the_best(values: list[float]) -> None:
    found = np.array(values, dtype=float)[records(np.array(values, dtype=float))].tolist()
    assert found == sorted(set(found))
    assert found[-1:] == ([max(values)] if values else [])


ROWS = st.lists(
    st.tuples(st.none() | FEW, st.none() | FEW, st.none() | st.integers(-3, 3)), min_size=1, max_size=12
)


@given(ROWS, st.integers(0, 9), st.sampled_from(["Up", "Down"]))
def test_the_order_of_the_rows_does_not_matter(
    found: list[tuple[float | None, float | None, int | None]], seed: int, name: str
) -> None:
    rows = [row(score, score, size=size, day=day) for score, size, day in found]
    mixed = random.Random(seed).sample(rows, len(rows))
    charts = [
        (size_chart(each, named(each, name)), time_chart(each, named(each, name)))
        for each in (board(*rows), board(*mixed))
    ]
    points = [
        (
            list(zip(by_size.amounts, by_size.scores, by_size.is_front, strict=True)),
            list(zip(by_day.days, by_day.scores, by_day.is_record, strict=True)),
        )
        for by_size, by_day in charts
    ]
    assert points[0] == points[1]


def test_lower_scores_turn_the_front_and_the_records() -> None:
    found = board(
        row(1.0, 9.0, size=1, day=0),
        row(2.0, 8.0, size=2, day=1),
        row(3.0, 9.5, size=3, day=2, model="acme/big"),
    )
    down = named(found, "Down")
    assert size_chart(found, down).is_front.tolist() == [True, True, False]
    assert time_chart(found, down).is_record.tolist() == [True, True, False]
    assert size_chart(found, named(found, "Up")).is_front.tolist() == [True, True, True]


def test_of_one_day_only_the_best_is_a_record() -> None:
    found = board(row(1.0, None), row(3.0, None), row(2.0, None), row(3.0, None, day=1))
    chart = time_chart(found, named(found, "Up"))
    assert chart.scores[chart.is_record].tolist() == [3.0]


@pytest.mark.parametrize("size", [None, 0.0, -1.0, 1e300, 1e-300, math.inf, math.nan])
def test_a_model_without_a_size_is_not_in_the_chart(size: float | None) -> None:
    found = board(row(1.0, None, size=size), row(2.0, None, size=7))
    assert size_chart(found, named(found, "Up")).amounts.tolist() == [7]


AMOUNTS = st.none() | st.sampled_from([0.0, 0.5, 1.0, 2.0])
COSTS = st.lists(st.tuples(st.floats(-100, 100), AMOUNTS, AMOUNTS), min_size=1, max_size=12)


@given(COSTS)
def test_costs_are_dollars_or_else_minutes_and_only_known_ones_count(
    found: list[tuple[float, float | None, float | None]],
) -> None:
    rows = [row(score, None, minutes=minutes, price=price) for score, minutes, price in found]
    dollars = [minutes * price / 60 for _, minutes, price in found if minutes and price]
    expected = dollars or [minutes for _, minutes, _ in found if minutes]
    made = cost_chart(board(*rows), named(board(*rows), "Up"))
    assert made.chart.amounts.tolist() == pytest.approx(sorted(expected))
    assert made.is_in_dollars is bool(dollars)


@pytest.mark.parametrize("score", [1e308, -1e308, math.inf, math.nan, LARGEST_SCORE * 1.1])
def test_a_score_that_leaves_no_room_for_others_is_in_no_chart(score: float) -> None:
    found = board(row(score, 1.0, model="acme/huge"), row(2.0, 2.0), row(3.0, 3.0))
    up = named(found, "Up")
    assert size_chart(found, up).scores.tolist() == [3.0, 2.0]
    assert time_chart(found, up).scores.tolist() == [3.0, 2.0]
    assert np.nanmax(heat_map(found).scores) == 3.0
    assert correlations(found).models[0, 0] == 2


def test_a_model_without_a_day_is_not_in_the_chart() -> None:
    found = board(row(1.0, None, day=None), row(2.0, None))
    assert len(time_chart(found, named(found, "Up")).rows) == 1


def test_the_heat_map_has_the_best_models_and_colors_each_task_by_its_own_range() -> None:
    rows = [row(100.0 - place, float(place), model=f"acme/{place}") for place in range(MOST_MODELS + 1)]
    found = heat_map(board(*rows))
    assert [each.model for each in found.rows] == [each.model for each in rows[:-1]]
    # The worst of both tasks is beyond the columns that are shown: the range is of all models.
    assert found.relative[0].tolist() == pytest.approx(
        [1 - place / MOST_MODELS for place in range(MOST_MODELS)]
    )
    assert found.relative[1].tolist() == pytest.approx(found.relative[0].tolist())


def test_a_task_without_scores_is_neither_in_the_heat_map_nor_correlated() -> None:
    found = board(row(1.0, None), row(2.0, None))
    assert [task.name for task in heat_map(found).tasks] == ["Up"]
    assert [task.name for task in correlations(found).tasks] == ["Up"]


@given(st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=20))
def test_equal_scores_share_the_mean_of_their_ranks(values: list[float]) -> None:
    ordered = sorted(values)
    expected = [ordered.index(each) + (ordered.count(each) + 1) / 2 for each in values]
    assert ranks(np.array(values)).tolist() == expected


@given(st.lists(st.tuples(st.none() | FEW, st.none() | FEW), min_size=1, max_size=20))
def test_correlations_are_symmetric_and_equal_to_those_of_numpy(
    pairs: list[tuple[float | None, float | None]],
) -> None:
    other = TaskColumn(Task("other", "acc", "Other"))
    found = correlations(board(*(row(*pair) for pair in pairs), tasks=(UP, other)))
    np.testing.assert_array_equal(found.values, found.values.T)
    np.testing.assert_array_equal(found.models, found.models.T)
    both = [pair for pair in pairs if all(each is not None and abs(each) <= LARGEST_SCORE for each in pair)]
    if len(found.tasks) < 2:
        return
    assert found.models[0, 1] == len(both)
    one, two = (ranks(np.array([pair[place] for pair in both], dtype=float)) for place in (0, 1))
    if len(both) < 3 or len(set(one)) == 1 or len(set(two)) == 1:
        assert math.isnan(found.values[0, 1])
    else:
        assert found.values[0, 1] == pytest.approx(np.corrcoef(one, two)[0, 1], abs=1e-9)


def test_a_lower_is_better_task_is_turned_before_it_is_correlated() -> None:
    found = correlations(board(*(row(float(place), -float(place)) for place in range(5))))
    assert found.values.round(9).tolist() == [[1, 1], [1, 1]]


def test_constant_scores_have_no_correlation() -> None:
    assert math.isnan(pearson(np.ones(3), np.arange(3.0)))


def test_an_empty_board_has_no_points() -> None:
    found = standings(TASKS, {}, [])
    column = main_column(found)
    assert not size_chart(found, column).rows
    assert not time_chart(found, column).rows
    assert not heat_map(found).rows
    assert not correlations(found).tasks


def test_the_main_column_is_the_average_and_else_the_first_task() -> None:
    assert main_column(board(row(1.0, 2.0))).name == "Average ⬆️"
    assert main_column(board(row(1.0), tasks=(DOWN,))).name == "Down"


def test_the_scores_of_all_rows_are_read_once() -> None:
    found = standings(TASKS, {}, [make_result(scores=scores(0.5, 0.25, None))])
    addition, _, copying = task_columns(found)
    assert scores_of(found, addition).tolist() == [50]
    assert np.isnan(scores_of(found, copying)).all()
    assert scores_of(found, addition) is scores_of(found, addition)

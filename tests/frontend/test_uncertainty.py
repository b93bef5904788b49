"""The statistics of scores: compared with scipy, with brute force and with simulations."""

from collections.abc import Sequence
from itertools import combinations
from math import hypot, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from src.leaderboard.merging import standings
from src.leaderboard.ranking import ranges
from src.leaderboard.rows import Standings
from src.leaderboard.uncertainty import RankRange, Z, differ, interval, rank_ranges
from src.leaderboard.weights import Weights
from src.tasks import Task
from support.boards import make_result

ROUNDED = 1e-4
"""How far 1.96 may lead from the exact 1.959964, relative to an error."""

NEAR = 1e-9
"""Differences this near to the limit are decided by rounding."""

scores = st.floats(0, 100)
errors = st.floats(0, 20)
boards = st.lists(st.tuples(scores, errors | st.none()), min_size=1, max_size=25)
floats = st.floats(allow_nan=False, allow_infinity=False)
any_errors = st.floats(0, allow_infinity=False)


def ranges_of(board: Sequence[tuple[float, float | None]]) -> list[RankRange | None]:
    return rank_ranges([score for score, _ in board], [error for _, error in board])


def is_clear(board: Sequence[tuple[float, float | None]]) -> bool:
    """Whether rounding decides about none of the differences."""
    return all(
        abs(abs(one - other) - Z * hypot(error or 0, others or 0)) > NEAR
        for (one, error), (other, others) in combinations(board, 2)
        if (one, error) != (other, others)
    )


@given(scores, errors)
def test_an_interval_is_that_of_the_normal_distribution(score: float, error: float) -> None:
    assume(error > 0)
    assert interval(score, error) == pytest.approx(
        stats.norm.interval(0.95, score, error), abs=ROUNDED * error, rel=1e-12
    )


@given(scores, errors, scores, errors)
def test_scores_differ_as_a_two_sided_test_of_their_difference_says(
    score: float, error: float, other: float, others: float
) -> None:
    deviation = hypot(error, others)
    assume(deviation > 0)
    z = abs(score - other) / deviation
    assume(abs(z - Z) > ROUNDED)
    assert differ(score, error, other, others) is bool(2 * stats.norm.sf(z) < 0.05)


@given(st.lists(st.tuples(errors, st.floats(0.01, 1000)), min_size=1, max_size=30))
def test_the_error_of_a_mean_is_the_direct_computation(parts: list[tuple[float, float]]) -> None:
    found = Weights.of([weight for _, weight in parts]).error([error for error, _ in parts])
    known, weights = np.array(parts).T
    assert found == pytest.approx(np.sqrt(np.sum((weights * known) ** 2)) / weights.sum())


def test_the_error_of_a_mean_is_the_spread_of_simulated_means() -> None:
    known, weights = np.array([1.0, 3.0, 0.5, 2.0]), np.array([1.0, 2.0, 5.0, 0.5])
    drawn = stats.norm.rvs(50, known, size=(100_000, 4), random_state=np.random.default_rng(1))
    spread = float(np.average(drawn, axis=1, weights=weights).std())
    assert Weights.of(weights.tolist()).error(known.tolist()) == pytest.approx(spread, rel=0.01)


def test_a_mean_of_a_score_without_an_error_has_none() -> None:
    assert Weights.of([1, 1]).error([1.0, None]) is None
    assert Weights.of([]).error([]) is None
    assert Weights.of([1, 2]).error([0.0, 0.0]) == 0


@given(st.lists(st.tuples(any_errors, st.floats(5e-324, allow_infinity=False)), min_size=1, max_size=9))
def test_no_error_or_weight_is_too_large_for_the_error_of_a_mean(parts: list[tuple[float, float]]) -> None:
    found = Weights.of([weight for _, weight in parts]).error([error for error, _ in parts])
    assert found is None or 0 <= found <= max(error for error, _ in parts) * (1 + 1e-9)


@given(boards)
def test_ranges_of_ranks_are_those_of_comparing_each_with_each(
    board: list[tuple[float, float | None]],
) -> None:
    assume(is_clear(board))
    expected = []
    for score, error in board:
        significant = [other for other, their in board if differ(score, error or 0, other, their or 0)]
        better = sum(other > score for other in significant)
        worse = len(significant) - better
        expected.append(None if error is None else RankRange(1 + better, len(board) - worse))
    assert ranges_of(board) == expected


@given(boards, st.data())
def test_a_rank_never_gets_worse_when_a_score_rises(
    board: list[tuple[float, float | None]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(board) - 1))
    score, error = board[place]
    risen = [*board[:place], (data.draw(st.floats(score, 101)), error), *board[place + 1 :]]
    before, after = ranges_of(board)[place], ranges_of(risen)[place]
    if before is None:
        assert after is None
    else:
        assert after is not None
        assert after.best <= before.best
        assert after.worst <= before.worst


@given(st.floats(0, 1), st.integers(2, 10_000), st.integers(1, 10_000))
def test_an_interval_shrinks_with_more_questions(share: float, few: int, more: int) -> None:
    def width(questions: int) -> float:
        low, high = interval(100 * share, 100 * sqrt(share * (1 - share) / (questions - 1)))
        return high - low

    assert width(few + more) <= width(few)
    assert share in (0, 1) or width(few + more) < width(few) or width(few) < 1e-9


@given(boards, scores, errors)
def test_equal_scores_with_equal_errors_have_equal_ranges(
    board: list[tuple[float, float | None]], score: float, error: float
) -> None:
    found = ranges_of([(score, error), *board, (score, error)])
    assert found[0] == found[-1]


@given(boards, st.randoms())
def test_ranges_do_not_depend_on_the_order_of_the_rows(
    board: list[tuple[float, float | None]], chance: object
) -> None:
    order = list(range(len(board)))
    chance.shuffle(order)  # type: ignore[attr-defined]
    assert ranges_of([board[place] for place in order]) == [ranges_of(board)[place] for place in order]


@given(boards, st.floats(-1000, 1000), st.floats(0.01, 1000))
def test_shifting_or_scaling_all_scores_changes_nothing(
    board: list[tuple[float, float | None]], shift: float, scale: float
) -> None:
    assume(is_clear(board))
    changed = [(scale * score + shift, None if error is None else scale * error) for score, error in board]
    assume(is_clear(changed))
    assert ranges_of(changed) == ranges_of(board)


@given(st.lists(st.tuples(floats, any_errors | st.none()), max_size=12))
def test_no_number_is_too_large_or_too_small(board: list[tuple[float, float | None]]) -> None:
    for (_, error), found in zip(board, ranges_of(board), strict=True):
        assert (found is None) is (error is None)
        assert found is None or 1 <= found.best <= found.worst <= len(board)
    for score, error in board:
        low, high = interval(score, error or 0.0)
        assert low <= score <= high


@pytest.mark.parametrize("size", [1e308, 1.0, 1e-300, 5e-324])
def test_scores_of_any_size_are_compared(size: float) -> None:
    assert rank_ranges([size, -size, size], [0.0, 0.0, None]) == [RankRange(1, 2), RankRange(3, 3), None]
    assert rank_ranges([size, -size], [size, size]) == [RankRange(1, 2)] * 2
    assert differ(size, 0.0, -size, 0.0)
    assert not differ(size, size, -size, size)


def test_a_board_without_rows_has_no_ranges() -> None:
    assert rank_ranges([], []) == []


def test_a_score_without_an_error_counts_as_exact_for_the_others() -> None:
    assert rank_ranges([50, 48, 40], [1, None, 1]) == [RankRange(1, 1), None, RankRange(3, 3)]


def board_of(models: Sequence[tuple[float, ...]], error: float) -> Standings:
    """The standings of models with these scores on three tasks, all with the same error."""
    tasks = [Task(name, "acc", name.upper()) for name in "abc"]
    results = [
        make_result(
            f"acme/{number}",
            results={
                task.benchmark: {"acc,none": score, "acc_stderr,none": error}
                for task, score in zip(tasks, scores, strict=True)
            },
        )
        for number, scores in enumerate(models)
    ]
    return standings(tasks, {}, results)


tenths = st.integers(0, 10).map(lambda number: number / 10)


@given(
    st.lists(st.tuples(tenths, tenths, tenths), min_size=1, max_size=8),
    st.sampled_from([0.0, 1e-17, 0.004, 0.02, 0.3]),
)
def test_the_rank_of_a_row_is_in_its_range(models: list[tuple[float, ...]], error: float) -> None:
    made = board_of(models, error)
    found = ranges(made)
    for row in made.rows:
        assert row.rank is not None
        assert found[id(row)].best <= row.rank <= found[id(row)].worst


def test_means_that_only_rounding_distinguishes_share_a_rank_and_a_range() -> None:
    made = board_of([(0.446, 0.933, 0.988), (0.57, 0.858, 0.939)], error=0.0)
    assert len({row.average for row in made.rows}) == 2, "the example distinguishes nothing"
    assert [row.rank for row in made.rows] == [1, 1]
    assert [ranges(made)[id(row)] for row in made.rows] == [RankRange(1, 2)] * 2

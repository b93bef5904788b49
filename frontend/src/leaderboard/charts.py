"""The numbers behind the charts: pure functions of the standings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.columns import DOLLARS, MINUTES, PARAMS, Column
from src.leaderboard.rows import Row, Standings
from src.leaderboard.scores import Scores, scores_of, task_columns
from src.shared.data.result import UNKNOWN_TIME

Places = NDArray[np.intp]
Flags = NDArray[np.bool_]
Days = NDArray[np.datetime64]
Counts = NDArray[np.int64]

LARGEST_SCORE = 1e9
"""A score beyond this, on either side of 0, is in no chart: it would leave no room for the others."""

SMALLEST_SIZE, LARGEST_SIZE = 1e-9, 1e6
"""Billions of parameters, from a single one up. Any other size is a mistake."""

SMALLEST_COST, LARGEST_COST = 1e-6, 1e9
"""Dollars or minutes. What is free has no place on a scale of powers of ten."""

MOST_MODELS = 20
"""The columns of the heat map."""

MOST_TASKS = 40
"""The tasks of the heat map and of the correlations."""

FEWEST_MODELS = 3
"""A correlation of fewer models says nothing."""


@dataclass(frozen=True, eq=False)
class FrontChart:
    """Scores against how much models are or take, the least first."""

    rows: Sequence[Row]
    amounts: Scores
    """Billions of parameters, dollars or minutes."""
    scores: Scores
    is_front: Flags
    """Whether a row is on the Pareto front: no other is as small and as good, and smaller or better."""


class CostChart(NamedTuple):
    """Scores against what evaluations cost."""

    chart: FrontChart
    is_in_dollars: bool
    """Whether the amounts are dollars; else they are minutes."""
    free: int
    """How many models with a score are left out because their amount is 0."""


@dataclass(frozen=True, eq=False)
class TimeChart:
    """Scores by the day of the first evaluation, the oldest first."""

    rows: Sequence[Row]
    days: Days
    scores: Scores
    is_record: Flags
    """Whether a score is better than all of the days before, and the best of its day."""


@dataclass(frozen=True, eq=False)
class HeatMap:
    """The scores of the best models: a line for each task, a column for each model."""

    tasks: Sequence[Column]
    rows: Sequence[Row]
    scores: Scores
    relative: Scores
    """Where each score lies between the worst (0) and the best (1) of its task, among all models."""


@dataclass(frozen=True, eq=False)
class Correlations:
    """Spearman's rank correlation of each two tasks. Lower-is-better scores are turned."""

    tasks: Sequence[Column]
    values: Scores
    """nan where there are too few models, or all have the same score."""
    models: Counts
    """How many models have both scores."""


def size_chart(standings: Standings, column: Column) -> FrontChart:
    """Return the models whose size and score are known."""
    sizes = _numbers(standings, PARAMS)
    return _front_chart(standings, column, _within(sizes, SMALLEST_SIZE, LARGEST_SIZE))


def cost_chart(standings: Standings, column: Column) -> CostChart:
    """Return the models whose score and dollars are known, or minutes if the dollars of none are."""
    is_scored = ~np.isnan(_drawable(standings, column))
    for unit in (DOLLARS, MINUTES):
        numbers = _numbers(standings, unit)
        amounts = _within(numbers, SMALLEST_COST, LARGEST_COST)
        if unit is MINUTES or (is_scored & ~np.isnan(amounts)).any():
            break
    free = int(np.count_nonzero(is_scored & (numbers == 0)))
    return CostChart(_front_chart(standings, column, amounts), unit is DOLLARS, free)


def _front_chart(standings: Standings, column: Column, amounts: Scores) -> FrontChart:
    scores = _drawable(standings, column)
    places = np.flatnonzero(~np.isnan(amounts + scores))
    places = places[np.lexsort((-_turned(scores[places], column), amounts[places]))]
    amounts, scores = amounts[places], scores[places]
    return FrontChart(_at(standings, places), amounts, scores, pareto_front(amounts, _turned(scores, column)))


def pareto_front(amounts: Scores, scores: Scores) -> Flags:
    """Return which points no other dominates. Small amounts and high scores are good."""
    order = np.lexsort((-scores, amounts))
    best = np.maximum.accumulate(scores[order])
    smallest = amounts[order][np.searchsorted(best, best)]  # the amount that first reaches each best score
    is_front = np.zeros(len(amounts), dtype=bool)
    is_front[order] = (scores[order] == best) & (amounts[order] == smallest)
    return is_front


def time_chart(standings: Standings, column: Column) -> TimeChart:
    """Return the models whose day and score are known."""
    days, scores = _days(standings), _drawable(standings, column)
    places = np.flatnonzero(~np.isnat(days) & ~np.isnan(scores))
    turned = _turned(scores, column)
    places = places[np.lexsort((-turned[places], days[places]))]
    return TimeChart(_at(standings, places), days[places], scores[places], records(turned[places]))


def records(scores: Scores) -> Flags:
    """Return which scores are higher than all before them."""
    best = np.maximum.accumulate(np.concatenate([[-np.inf], scores]))
    return scores > best[:-1]


def heat_map(standings: Standings) -> HeatMap:
    """Return the best models on the tasks that have scores."""
    tasks = _known_tasks(standings)
    every = np.array([_drawable(standings, task) for task in tasks]).reshape(len(tasks), len(standings.rows))
    best = np.flatnonzero(~np.isnan(every).all(axis=0))[:MOST_MODELS]
    relative = [_relative(_turned(scores, task))[best] for task, scores in zip(tasks, every, strict=True)]
    shape = (len(tasks), len(best))
    return HeatMap(tasks, _at(standings, best), every[:, best], np.array(relative).reshape(shape))


def correlations(standings: Standings) -> Correlations:
    """Return how much alike each two tasks order the models."""
    tasks = _known_tasks(standings)
    scores = [_turned(_drawable(standings, task), task) for task in tasks]
    known = [~np.isnan(each) for each in scores]
    whole = [ranks(each[is_known]) for each, is_known in zip(scores, known, strict=True)]
    values = np.full((len(tasks), len(tasks)), np.nan)
    models = np.zeros((len(tasks), len(tasks)), dtype=np.int64)
    for one in range(len(tasks)):
        for other in range(one + 1):
            both = known[one] & known[other]
            number = models[one, other] = models[other, one] = np.count_nonzero(both)
            if number < FEWEST_MODELS:
                continue
            pair = (
                whole[each] if number == len(whole[each]) else ranks(scores[each][both])
                for each in (one, other)
            )
            values[one, other] = values[other, one] = pearson(*pair)
    return Correlations(tasks, values, models)


def ranks(scores: Scores) -> Scores:
    """Return the rank of each score, from the lowest. Equal scores share the mean of their ranks."""
    _, group, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    return np.asarray((ends - (sizes - 1) / 2)[group], dtype=float)


def pearson(one: Scores, other: Scores) -> float:
    """Return Pearson's correlation; nan if one of the two is constant."""
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one @ one) * (other @ other)))
    return float(np.clip((one @ other) / scale, -1, 1)) if scale else float("nan")


def _relative(scores: Scores) -> Scores:
    """Return where each score lies between the lowest (0) and the highest (1)."""
    low, high = np.nanmin(scores), np.nanmax(scores)
    return (scores - low) / (high - low) if high > low else scores * 0 + 1


def _known_tasks(standings: Standings) -> Sequence[Column]:
    tasks = (task for task in task_columns(standings) if not np.isnan(_drawable(standings, task)).all())
    return [task for task, _ in zip(tasks, range(MOST_TASKS), strict=False)]


def _drawable(standings: Standings, column: Column) -> Scores:
    scores = scores_of(standings, column)
    return np.where(np.abs(scores) <= LARGEST_SCORE, scores, np.nan)


def _turned(scores: Scores, column: Column) -> Scores:
    """Return the scores so that higher is better."""
    return -scores if column.lower_first else scores


def _numbers(standings: Standings, column: Column) -> Scores:
    """Return the numbers in a column that is not one of scores, nan where there is none."""
    return standings.derived.once(("numbers", column.name), partial(_read_numbers, standings, column))


def _read_numbers(standings: Standings, column: Column) -> Scores:
    values = (column.value_of(row) for row in standings.rows)
    return np.array([value if isinstance(value, float | int) else np.nan for value in values], dtype=float)


def _within(numbers: Scores, low: float, high: float) -> Scores:
    """Return the numbers, nan for those outside the range."""
    return np.where((numbers >= low) & (numbers <= high), numbers, np.nan)


def _days(standings: Standings) -> Days:
    return standings.derived.once("days of first evaluations", partial(_read_days, standings))


def _read_days(standings: Standings) -> Days:
    known = (row.first_ended for row in standings.rows)
    days = [time.date() if time > UNKNOWN_TIME else "NaT" for time in known]
    return np.array(days, dtype="datetime64[D]")


def _at(standings: Standings, places: Places) -> Sequence[Row]:
    return [standings.rows[place] for place in places]

"""How often intervals and ranges of ranks hold the truth, on boards whose truth is known.

The figures in docs/uncertainty.md are those that these tests compute.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from src.leaderboard.merging import standings
from src.leaderboard.ranking import ranges
from src.leaderboard.rows import Row, Standings
from src.leaderboard.uncertainty import differ, interval
from src.tasks import Task
from support.boards import make_result
from support.sources import ROOT

MODELS, BOARDS = 300, 10
QUESTIONS = {"a": 100, "b": 200, "c": 500, "d": 1000, "e": 2000}
DIFFICULTY = (-1.0, -0.5, 0.0, 0.5, 1.0)
"""How hard the tasks are, in the unit of the models' abilities."""

TASKS = [Task(name, "acc", name.upper()) for name in QUESTIONS]
LOWEST, HIGHEST = 0.05, 0.95
"""The accuracies of the models lie between these."""

DOCUMENT: Path = ROOT / "docs" / "uncertainty.md"


def measured(right: int, questions: int) -> dict[str, float]:
    """A score and its standard error as lm_eval reports them."""
    share = right / questions
    return {"acc,none": share, "acc_stderr,none": sqrt(share * (1 - share) / (questions - 1))}


@dataclass(frozen=True)
class Simulated:
    """A board of made-up models, whose abilities spread so much around the same mean."""

    spread: float
    seed: int

    @cached_property
    def accuracies(self) -> Any:
        """The true accuracy of each model on each task: what endless questions would show."""
        chance = np.random.default_rng(self.seed)
        abilities = chance.normal(0, self.spread, (MODELS, 1)) - np.array(DIFFICULTY)
        talents = chance.normal(0, 0.3 * self.spread, abilities.shape)
        return LOWEST + (HIGHEST - LOWEST) / (1 + np.exp(-abilities - talents))

    @cached_property
    def standings(self) -> Standings:
        """The leaderboard that their result files make."""
        chance = np.random.default_rng([self.seed, 1])
        right = chance.binomial(list(QUESTIONS.values()), self.accuracies)
        results = [
            make_result(
                f"acme/{model}",
                results={
                    name: measured(int(number), questions)
                    for (name, questions), number in zip(QUESTIONS.items(), numbers, strict=True)
                },
            )
            for model, numbers in enumerate(right)
        ]
        return standings(TASKS, {}, results)

    def truth(self, row: Row) -> Sequence[float]:
        """The true scores of a row, in percent."""
        scores: list[float] = (100 * self.accuracies[int(row.model.removeprefix("acme/"))]).tolist()
        return scores

    @property
    def deviation(self) -> float:
        """The standard deviation of the true averages, in points of a hundred."""
        return float(100 * self.accuracies.mean(axis=1).std())

    @property
    def width(self) -> float:
        """How many ranks a range has, in the mean."""
        found = ranges(self.standings).values()
        return sum(each.worst - each.best + 1 for each in found) / len(found)

    def holds_scores(self) -> list[bool]:
        """Whether the interval of each score holds the true one."""
        return [
            low <= true <= high
            for row in self.standings.rows
            for score, error, true in zip(row.scores, row.errors, self.truth(row), strict=True)
            for low, high in [interval(score or 0.0, error or 0.0)]
        ]

    def holds_averages(self) -> list[bool]:
        """Whether the interval of each average holds the true one."""
        return [
            low <= sum(self.truth(row)) / len(TASKS) <= high
            for row in self.standings.rows
            for low, high in [interval(row.standing or 0.0, row.standing_error or 0.0)]
        ]

    def holds_ranks(self) -> list[bool]:
        """Whether the range of each rank holds the true one."""
        rows = self.standings.rows
        averages = np.array([sum(self.truth(row)) for row in rows])
        true = 1 + (averages > averages[:, None]).sum(axis=1)
        found = ranges(self.standings)
        return [
            found[id(row)].best <= rank <= found[id(row)].worst for row, rank in zip(rows, true, strict=True)
        ]


def percent(holds: Sequence[bool]) -> float:
    return round(100 * sum(map(bool, holds)) / len(holds), 1)


@pytest.fixture(scope="module", params=[1.0, 0.3, 0.05], ids="models spread by {}".format)
def boards(request: pytest.FixtureRequest) -> list[Simulated]:
    return [Simulated(request.param, seed) for seed in range(BOARDS)]


def test_the_truth_is_in_as_many_intervals_as_promised(boards: list[Simulated]) -> None:
    scores = percent([holds for board in boards for holds in board.holds_scores()])
    averages = percent([holds for board in boards for holds in board.holds_averages()])
    ranks = percent([holds for board in boards for holds in board.holds_ranks()])
    assert 93 <= scores <= 97
    assert 93 <= averages <= 97
    assert ranks >= 95
    apart = np.mean([board.deviation for board in boards])
    width = np.mean([board.width for board in boards])
    row = f"| {apart:.1f} | {scores} % | {averages} % | {ranks} % | {width:.0f} |"
    assert row in DOCUMENT.read_text(encoding="utf-8"), row


def test_where_all_models_are_equal_a_range_still_holds_most_ranks() -> None:
    boards = [Simulated(1e-9, seed) for seed in range(BOARDS)]
    ranks = percent([holds for board in boards for holds in board.holds_ranks()])
    assert ranks >= 93
    assert f"in {ranks:.0f} % of the" in DOCUMENT.read_text(encoding="utf-8"), ranks


def coverage(accuracy: float, questions: int) -> float:
    """How often the interval of a score holds the true accuracy: exactly, from the binomial distribution."""
    held = []
    for right in range(questions + 1):
        score, error = measured(right, questions).values()
        low, high = interval(score, error)
        held.append(low <= accuracy <= high)
    return float(stats.binom.pmf(range(questions + 1), questions, accuracy) @ np.array(held))


ACCURACIES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)


def mean_coverage(questions: int) -> float:
    """How often intervals hold the truth in the mean of the accuracies from 5 % to 95 %."""
    return float(np.mean([coverage(accuracy, questions) for accuracy in np.linspace(LOWEST, HIGHEST, 91)]))


@pytest.mark.parametrize("questions", [100, 200, 500, 1000, 2000])
def test_from_a_hundred_questions_on_intervals_hold_the_truth_as_promised(questions: int) -> None:
    assert 0.93 <= mean_coverage(questions) <= 0.97


def test_intervals_of_few_questions_or_near_perfect_scores_are_too_short() -> None:
    assert 0.92 <= mean_coverage(50) < 0.93
    assert coverage(0.98, 50) < 0.65
    assert coverage(0.98, 100) < 0.9
    assert coverage(0.98, 500) < 0.93


@pytest.mark.parametrize("questions", [50, 100, 200, 500, 1000, 2000])
def test_the_document_says_how_often_the_intervals_of_scores_hold_the_truth(questions: int) -> None:
    exact = [coverage(accuracy, questions) for accuracy in ACCURACIES]
    cells = [f"{100 * each:.1f} %" for each in (mean_coverage(questions), *exact)]
    row = f"| {questions:,} | {' | '.join(cells)} |"
    assert row in DOCUMENT.read_text(encoding="utf-8"), row


def test_equal_models_that_answer_the_same_questions_seldom_differ() -> None:
    chance = np.random.default_rng(7)
    questions, pairs = 500, 4000
    chances = chance.beta(1, 1, (pairs, 1, questions))  # some questions are hard for both, others easy
    right = (chance.random((pairs, 2, questions)) < chances).sum(axis=2)
    errors = np.sqrt(right / questions * (1 - right / questions) / (questions - 1))
    different = [
        differ(one / questions, error, other / questions, others)
        for (one, other), (error, others) in zip(right.tolist(), errors.tolist(), strict=True)
    ]
    share = percent(different)
    assert share < 5
    assert f" {share} % differ" in DOCUMENT.read_text(encoding="utf-8"), share

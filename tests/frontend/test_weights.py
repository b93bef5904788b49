"""What a Task says about the average: its weight, whether it counts, and the names that it had before."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, NamedTuple

import pytest

from src.columns import TAKEN, columns
from src.leaderboard.merging import standings
from src.leaderboard.rows import Standings
from src.page import notices
from src.page.suite import suite
from src.shared.errors import ConfigurationError
from src.tasks import Task, read_tasks, unknown_fields
from support.boards import Leaderboard, make_result


def board(tasks: list[Task], *results: tuple[str, dict[str, float]]) -> Standings:
    """The standings of models with these scores by task, all of the metric `acc`."""
    found = [
        make_result(f"acme/{model}", scores={task: {"acc,none": score} for task, score in scores.items()})
        for model, scores in results
    ]
    return standings(tasks, {}, found)


def order(made: Standings) -> list[str]:
    return [row.model.removeprefix("acme/") for row in made.rows]


FIRST, SECOND = ("first", {"a": 0.9, "b": 0.1}), ("second", {"a": 0.2, "b": 0.6})


def test_a_weight_counts_in_the_average_and_in_the_order() -> None:
    plain = board([Task("a", "acc", "A"), Task("b", "acc", "B")], FIRST, SECOND)
    weighted = board([Task("a", "acc", "A", weight=100), Task("b", "acc", "B", weight=300)], FIRST, SECOND)
    assert order(plain) == ["first", "second"]
    assert order(weighted) == ["second", "first"]
    assert [row.average for row in weighted.rows] == [pytest.approx(50), pytest.approx(30)]


def test_equal_weights_are_as_none() -> None:
    tasks = [Task("a", "acc", "A", weight=7), Task("b", "acc", "B", weight=7)]
    assert [row.average for row in board(tasks, FIRST, SECOND).rows] == [pytest.approx(50), pytest.approx(40)]


@pytest.mark.parametrize("weight", [1e-300, 1e300, 5e-324])
def test_no_weight_is_too_small_or_too_large(weight: float) -> None:
    tasks = [Task("a", "acc", "A", weight=weight), Task("b", "acc", "B", weight=weight)]
    assert board(tasks, FIRST).rows[0].average == pytest.approx(50)


def test_a_new_column_waits_outside_the_average_and_takes_nobodys_rank() -> None:
    tasks = [Task("a", "acc", "A"), Task("b", "acc", "B"), Task("new", "acc", "New", in_average=False)]
    made = board(tasks, FIRST, SECOND, ("third", {"a": 0.1, "b": 0.1, "new": 1.0}))
    assert [(row.rank, row.done, row.total) for row in made.rows] == [(1, 2, 2), (2, 2, 2), (3, 2, 2)]
    assert made.rows[2].scores == (10, 10, 100)


def test_a_leaderboard_of_losses_is_ranked_by_the_first_that_counts() -> None:
    down: dict[str, Any] = {"higher_is_better": False}
    tasks = [Task("a", "loss", "A", in_average=False, **down), Task("b", "loss", "B", **down)]
    results = [
        make_result(f"acme/{name}", scores={"a": {"loss,none": a}, "b": {"loss,none": b}})
        for name, a, b in [("first", 9.0, 1.0), ("second", 1.0, 2.0)]
    ]
    assert order(standings(tasks, {}, results)) == ["first", "second"]


def test_a_renamed_benchmark_keeps_the_scores_under_its_old_name() -> None:
    tasks = [Task("b2", "acc", "B", old_names=("b", "b1"))]
    made = board(tasks, ("old", {"b": 0.6}), ("older", {"b1": 0.5}), ("new", {"b2": 0.7, "b": 0.1}))
    assert [(row.model, row.scores) for row in made.rows] == [
        ("acme/new", (70,)),
        ("acme/old", (60,)),
        ("acme/older", (50,)),
    ]
    assert made.doubts == ()


def test_a_column_can_be_hidden_at_first() -> None:
    made = board([Task("a", "acc", "A"), Task("b", "acc", "B", is_default=False)], FIRST)
    shown = {column.name for column in columns(made.tasks) if column.is_default}
    assert "A" in shown
    assert "B" not in shown


@dataclass
class OldTask:
    """As owners of the old template made it."""

    benchmark: str
    metric: str
    col_name: str
    num_questions: int = 1
    in_overall: bool = True
    displayed_by_default: bool = True
    weigth: float = 1.0


class Tasks(Enum):
    task0 = OldTask("a", "acc", "A", num_questions=200)
    task1 = OldTask("b", "acc", "B", in_overall=False)
    task2 = OldTask("c", "acc", "C", displayed_by_default=False)


class Tuple(NamedTuple):
    benchmark: str
    metric: str
    col_name: str
    in_overall: bool


def test_the_old_fields_mean_what_they_meant() -> None:
    assert read_tasks(Tasks, taken=TAKEN) == (
        Task("a", "acc", "A", weight=200),
        Task("b", "acc", "B", in_average=False),
        Task("c", "acc", "C", is_default=False),
    )
    named = [Tuple("a", "acc", "A", in_overall=False), Tuple("b", "acc", "B", in_overall=True)]
    assert [task.in_average for task in read_tasks(named)] == [False, True]


def test_any_other_field_is_told_to_the_owner_with_what_may_be_meant(leaderboard: Leaderboard) -> None:
    [hint] = unknown_fields(Tasks)
    assert hint == "Tasks.task0 in src/about.py has a field weigth, which has no effect: did you mean weight?"
    assert unknown_fields([Task("a", "acc", "A"), ("b", "acc", "B")]) == ()
    keeper = leaderboard.keeper
    keeper._about = replace(keeper._about, hints=(hint,))
    leaderboard.keeper.sync()
    assert "did you mean weight?" in notices.banner(leaderboard.keeper.now, notice="")


def test_a_field_that_is_like_no_other_is_told_too() -> None:
    class Odd:
        def __init__(self) -> None:
            self.benchmark, self.metric, self.col_name, self.colour = "a", "acc", "A", "red"

    [hint] = unknown_fields([Odd()])
    assert "has a field colour, which has no effect: remove it" in hint


@dataclass(slots=True)
class Slots:
    benchmark: str = "a"
    metric: str = "acc"
    col_name: str = "A"
    weight: float = 1.0
    num_questions: int = 200


def test_a_field_that_is_there_under_both_names_is_told_also_of_a_class_with_slots() -> None:
    assert unknown_fields([Slots()]) == (
        "Tasks[0] in src/about.py has both weight and num_questions: weight counts. Remove num_questions.",
    )


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (
            OldTask("a", "acc", "A", num_questions=0),
            "num_questions is 0: write a number above 0, or in_overall=F",
        ),
        (OldTask("a", "acc", "A", in_overall=1), "in_overall is 1: write True or False"),  # type: ignore[arg-type]
        (OldTask("a", "acc", "A", displayed_by_default="no"), "displayed_by_default is 'no'"),  # type: ignore[arg-type]
    ],
)
def test_a_mistake_is_told_with_the_name_that_the_owner_wrote(task: object, says: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        read_tasks([task])
    assert says in str(told.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"weight": 0}, "weight is 0: write a number above 0, or in_average=False"),
        ({"weight": -1}, "weight is -1"),
        ({"weight": "2"}, "weight is '2': write a number"),
        ({"weight": float("nan")}, "weight is nan"),
        ({"in_average": "no"}, "in_average is 'no': write True or False"),
        ({"is_default": 0}, "is_default is 0: write True or False"),
        ({"old_names": 3}, "old_names is 3: write the names"),
        ({"old_names": ("",)}, "old_names is"),
        ({"in_average": False}, "no column is in the average"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        read_tasks([Task("a", "acc", "A", **options)])
    assert says in str(told.value)


def test_the_about_tab_says_when_weights_are_used_or_a_column_is_left_out() -> None:
    tasks = [Task("a", "acc", "A", weight=2), Task("b", "acc", "B<"), Task("c", "acc", "C", in_average=False)]
    said = suite(board(tasks, FIRST).tasks, None, num_fewshot=None)
    assert "The average is weighted: A 2, B&lt; 1. Not in the average: C." in said
    plain = suite(board(tasks[1:2], FIRST).tasks, None, num_fewshot=None)
    assert "average" not in plain

"""Groups of tasks, as about.py names them: each has a column with the mean of its tasks."""

from typing import Any

import pytest

from src.columns import TAKEN, columns
from src.leaderboard.merging import standings
from src.leaderboard.rows import Row, Standings
from src.leaderboard.sorting import Sort
from src.leaderboard.view import ViewState, view
from src.page.suite import header_titles, suite
from src.shared.errors import ConfigurationError
from src.tasks import Task, read_tasks
from support.boards import make_result

SUMS = Task("sums", "acc", "Sums", group="Maths")
PROOFS = Task("proofs", "acc", "Proofs", group="Maths", weight=3)
COPY = Task("copy", "acc", "Copying", group="Words")


def board(*tasks: Task, **scores: dict[str, float]) -> Standings:
    results = [
        make_result(f"acme/{model}", scores={task: {"acc,none": score} for task, score in found.items()})
        for model, found in scores.items()
    ]
    return standings(tasks, {}, results)


def row_of(made: Standings, model: str) -> Row:
    return next(row for row in made.rows if row.model == f"acme/{model}")


def test_each_group_has_a_column_with_the_weighted_mean_of_its_tasks() -> None:
    made = board(SUMS, PROOFS, COPY, a={"sums": 0.8, "proofs": 0.4, "copy": 0.1})
    shown = {column.header: column.cell(made.rows[0]).text for column in columns(made.tasks)}
    assert {name: shown[name] for name in ("Maths", "Words")} == {"Maths": "50.00", "Words": "10.00"}


def test_a_group_needs_all_its_scores_and_no_others() -> None:
    made = board(SUMS, PROOFS, COPY, a={"sums": 0.8, "proofs": 0.4}, b={"sums": 0.8, "copy": 0.3})
    assert row_of(made, "a").groups == (pytest.approx(50), None)
    assert row_of(made, "b").groups == (None, 30)


def test_what_is_outside_the_average_is_outside_the_mean_of_its_group() -> None:
    new = Task("new", "acc", "New", group="Maths", in_average=False)
    losses = Task("loss", "acc", "Loss", group="Losses", higher_is_better=False)
    made = board(SUMS, new, losses, a={"sums": 0.8})
    assert "Losses" not in [column.name for column in columns(made.tasks)]
    assert made.rows[0].groups == (80,)


def test_a_mark_that_does_not_count_leaves_the_group_without_a_mean() -> None:
    results = [
        make_result("acme/a", scores={"sums": {"acc,none": 0.5}}, versions={"sums": "1"}),
        make_result("acme/b", scores={"sums": {"acc,none": 0.6}}, versions={"sums": "1"}),
        make_result("acme/c", scores={"sums": {"acc,none": 0.7}}, versions={"sums": "2"}),
    ]
    counted = standings([SUMS], {}, results, rank_mixed=True)
    strict = standings([SUMS], {}, results, rank_mixed=False)
    assert (row_of(counted, "c").groups, row_of(strict, "c").groups) == ((70,), (None,))


def test_the_table_is_sorted_by_a_group() -> None:
    made = board(
        SUMS, PROOFS, COPY, a={"sums": 0, "proofs": 0.1, "copy": 1}, b={"sums": 0, "proofs": 0.9, "copy": 0}
    )
    table = view(made, ViewState(filters={}, sort=Sort("Maths")))
    assert [row.model for row in table.rows] == ["acme/b", "acme/a"]


def test_without_groups_there_is_no_further_column() -> None:
    plain = board(Task("sums", "acc", "Sums"), a={"sums": 0.5})
    assert plain.rows[0].groups == ()
    assert len(columns(plain.tasks)) == len(TAKEN) + 1


def test_the_page_says_what_a_group_is_the_mean_of() -> None:
    made = board(SUMS, PROOFS, COPY, a={"sums": 0.8})
    assert header_titles(made.tasks, None, num_fewshot=None)["Maths"] == "The mean of Sums, Proofs"
    assert "Maths" in suite(made.tasks, None, num_fewshot=None)


@pytest.mark.parametrize(
    ("group", "says"),
    [
        (3, "Tasks[0] in src/about.py: group is 3: write the group's name"),
        (" ", "group is ' '"),
        ("A", "the group 'A' is called like a column: choose another name"),
        ("Model", "the group 'Model' is called like a column"),
    ],
)
def test_a_group_that_cannot_be_meant_is_one_sentence(group: Any, says: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        read_tasks([Task("a", "acc", "A", group=group)], taken=TAKEN)
    assert says in str(told.value)

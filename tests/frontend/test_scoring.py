"""What a column of scores is taken for, which scores of it are comparable, and what its owner hears."""

from __future__ import annotations

from typing import Any

import pytest

from src.board.board import Board
from src.leaderboard.merging import standings
from src.leaderboard.rows import Row, Standings
from src.leaderboard.scoring import TaskColumn
from src.page import api
from src.shared.data.reports import read_result
from src.shared.data.result import Result
from src.tasks import Task
from support.boards import make_result, run_at
from support.factories import old_result_file

SAYS_NOTHING: dict[str, Any] = {"higher_is_better": {}}


def results_of(metric: str, *values: object, benchmark: str = "task", **changes: Any) -> list[Result]:
    """A result for each value, of the models a, b, c …, the oldest first."""
    return [
        make_result(
            f"acme/{letter}", run=run_at(hour), scores={benchmark: {f"{metric},none": value}}, **changes
        )
        for hour, (letter, value) in enumerate(zip("abcdefgh", values, strict=False))
    ]


def column_of(metric: str, *values: object, report: dict[str, Any] = SAYS_NOTHING, **says: Any) -> Standings:
    return standings((Task("task", metric, "Task", **says),), {}, results_of(metric, *values, **report))


def shown(found: Standings) -> list[float | None]:
    return [row.scores[0] for row in sorted(found.rows, key=lambda row: row.model)]


# Fractions


def test_a_column_of_percents_is_shown_as_it_is_also_where_a_model_has_less_than_one() -> None:
    found = column_of("acc", 64.2, 0.8, 1.0, 0.0)
    assert shown(found) == [64.2, 0.8, 1.0, 0.0]
    assert [row.model for row in found.rows] == ["acme/a", "acme/c", "acme/b", "acme/d"]


@pytest.mark.parametrize(
    ("metric", "values", "as_shown"),
    [
        ("acc_norm", [0.5, 0.25], [50, 25]),
        ("exact_match", [1, 0], [100, 0]),
        ("mcc", [-0.5, 0.5], [-50, 50]),
        ("f1", [0.5, 0.25], [50, 25]),
        ("f1", [0.5, 61.0], [0.5, 61.0]),
        ("acc_norm", [0.5, 45.0], [0.5, 45.0]),
        ("acc", [-0.5, -3.0], [-0.5, -3.0]),
        ("word_perplexity", [1.0, 20.0], [1.0, 20.0]),
        ("rmse", [0.5, 0.25], [0.5, 0.25]),
        ("edit_distance", [0.5, 1.0], [0.5, 1.0]),
        ("elo", [0.5], [0.5]),
        ("wer", [0.5, 0.25], [50, 25]),
    ],
)
def test_all_scores_of_a_column_are_fractions_or_none_is(
    metric: str, values: list[float], as_shown: list[float]
) -> None:
    assert shown(column_of(metric, *values)) == as_shown


@pytest.mark.parametrize("value", [1.0000000000000002, 1.0000000000000009, 1 - 1e-15])
def test_a_perfect_score_that_was_rounded_is_a_fraction(value: float) -> None:
    found = column_of("acc", value, 0.5)
    assert shown(found) == pytest.approx([100, 50])
    assert found.rows[0].model == "acme/a"


def test_the_owner_decides_what_nothing_else_can_tell() -> None:
    column = column_of("acc", 0.5, is_fraction=False, higher_is_better=False).tasks[0]
    assert column == TaskColumn(column.task, higher_is_better=False, is_fraction=False, engine="lm_eval")
    assert shown(column_of("acc", 0.5, 64.2, is_fraction=True)) == [50, 6420]


def test_what_is_not_finite_as_a_percentage_is_blank() -> None:
    assert shown(column_of("acc", 1e308, is_fraction=True)) == [None]


# Which direction is better


FALLING = """
    rmse mae mse mean_squared_error RMSE meanAbsoluteError latency_ms error_rate edit_distance time ttft nll
    levenshtein_distance bits_per_byte word_perplexity wer cer ter brier_score cross_entropy val_loss
    expected_calibration_error
"""


@pytest.mark.parametrize("metric", FALLING.split())
def test_of_errors_distances_times_and_losses_lower_is_better(metric: str) -> None:
    found = column_of(metric, 0.5, 0.25)
    assert found.tasks[0].header == "Task ↓"
    assert [row.model for row in found.rows] == ["acme/b", "acme/a"]


@pytest.mark.parametrize(
    "metric", ["acc", "f1", "neg_mean_squared_error", "edit_distance_similarity", "terminology", "timeliness"]
)
def test_a_word_within_another_or_turned_around_says_nothing(metric: str) -> None:
    assert column_of(metric, 0.5).tasks[0].header == "Task"


def test_a_report_says_which_way_is_better() -> None:
    [column] = column_of("oddity", 0.5, report={"higher_is_better": {"task": {"oddity": False}}}).tasks
    assert column.header == "Task ↓"


def test_the_newest_report_that_says_it_counts() -> None:
    results = [
        *results_of("x", 0.5, higher_is_better={"task": {"x": False}}),
        make_result(
            "acme/b", run=run_at(9), scores={"task": {"x,none": 1}}, higher_is_better={"task": {"x": True}}
        ),
    ]
    assert standings((Task("task", "x", "Task"),), {}, results).tasks[0].higher_is_better


# What may not be comparable


def mixed_results(*settings: dict[str, Any]) -> list[Result]:
    """Results of one model for each version, number of examples or engine, each a little worse."""
    results = []
    for hour, (letter, setting) in enumerate(zip("abcdefgh", settings, strict=False)):
        changes: dict[str, Any] = {
            "versions": {"task": setting.get("version")},
            "n-shot": {"task": setting.get("n_shot")},
        }
        if setting.get("engine") == "lighteval":
            changes["config_general"] = {"lighteval_sha": "?"}
        results.append(
            make_result(
                f"acme/{letter}", run=run_at(hour), scores={"task": {"acc,none": 0.5 - hour / 10}}, **changes
            )
        )
    return results


def with_settings(*settings: dict[str, Any], rank_mixed: bool = True) -> dict[str, Row]:
    """Rows by model, one for each of the settings."""
    found = standings((Task("task", "acc", "Task"),), {}, mixed_results(*settings), rank_mixed=rank_mixed)
    return {row.model.removeprefix("acme/"): row for row in found.rows}


@pytest.mark.parametrize(
    ("usual", "other", "mark"),
    [
        ({"version": 2.0}, {"version": 1.0}, "Task version 1.0; most others have 2.0."),
        ({"n_shot": 5}, {"n_shot": 0}, "0 examples before each question; most others have 5."),
        (
            {"version": 2.0, "n_shot": 5},
            {"version": 1.0, "n_shot": 3},
            "Task version 1.0; most others have 2.0. 3 examples before each question; most others have 5.",
        ),
    ],
)
def test_a_score_under_another_setting_than_most_of_its_column_is_marked(
    usual: dict[str, Any], other: dict[str, Any], mark: str
) -> None:
    rows = with_settings(other, usual, usual)
    assert rows["a"].marks == (mark,)
    assert (rows["b"].marks, rows["c"].marks) == ((), ())
    assert [rows[model].rank for model in "abc"] == [1, 2, 3]


def test_of_two_settings_that_are_as_common_the_later_one_is_the_usual() -> None:
    rows = with_settings({"version": 1}, {"version": 2})
    assert (bool(rows["a"].marks), bool(rows["b"].marks)) == (True, False)


def test_a_setting_that_is_not_known_is_no_difference() -> None:
    rows = with_settings({}, {"version": 2, "n_shot": 5}, {"version": 2, "n_shot": 5})
    assert not any(row.marks for row in rows.values())


def test_the_owner_can_keep_marked_scores_out_of_average_and_rank() -> None:
    rows = with_settings({"version": 1}, {"version": 2}, {"version": 2}, rank_mixed=False)
    assert [(rows[model].rank, rows[model].average) for model in "abc"] == [(None, None), (1, 40), (2, 30)]
    assert (rows["a"].scores, rows["a"].done, rows["a"].total) == ((50,), 0, 1)
    assert list(rows) == ["b", "c", "a"]


# What the owner hears


def doubts(task: Task, results: list[Result]) -> list[str]:
    return list(standings((task,), {}, results).doubts)


def test_an_owner_hears_of_a_column_that_mixes_fractions_and_percents() -> None:
    [sentence] = doubts(Task("task", "acc", "Task"), results_of("acc", 64.2, 0.8, 1.0, 0.0))
    assert "64.2 in acme/a/results_" in sentence
    assert "0.8 in acme/b/results_" in sentence
    assert sentence.endswith("write is_fraction=False in its Task in src/about.py.")
    said = Task("task", "acc", "Task", is_fraction=False)
    assert doubts(said, results_of("acc", 64.2, 0.8)) == []
    [wrong] = doubts(Task("task", "acc", "Task", is_fraction=True), results_of("acc", 64.2, 0.8))
    assert wrong.startswith(
        "src/about.py says that the scores of Task are fractions of 1, but some are larger"
    )


def test_an_owner_hears_nothing_of_a_column_that_is_all_right() -> None:
    assert doubts(Task("task", "acc", "Task"), results_of("acc", 0.5, 0.25)) == []
    assert doubts(Task("task", "acc", "Task"), results_of("acc", 64.2, 1.0, 0.0)) == []
    assert doubts(Task("task", "perplexity", "Task"), results_of("perplexity", 0.5, 64.2)) == []
    assert doubts(Task("task", "acc", "Task"), []) == []


def test_an_owner_hears_of_a_column_whose_metric_no_result_has_and_which_there_are() -> None:
    scores = {"gsm8k": {"exact_match,strict-match": 0.5, "exact_match,flexible-extract": 0.6}}
    [sentence] = doubts(Task("gsm8k", "exact_match", "GSM8K"), [make_result(scores=scores)])
    assert sentence == (
        "The column GSM8K is empty: the results of gsm8k have exact_match,flexible-extract, "
        "exact_match,strict-match, but not exact_match. Write one of them in src/about.py."
    )


def test_an_owner_hears_of_a_column_whose_group_has_no_score_of_its_own() -> None:
    [sentence] = doubts(
        Task("group", "acc", "Group"), [make_result(scores={"group": {}, "part": {"acc,none": 1}})]
    )
    assert sentence.startswith("The column Group is empty: the results name group without a score.")


def test_an_owner_hears_of_a_column_whose_task_no_result_has_and_which_there_are() -> None:
    [sentence] = doubts(Task("gsm8k", "acc", "GSM8K"), results_of("acc", 0.5, benchmark="gsm8k_plus"))
    assert "no result has the task gsm8k. They have gsm8k_plus." in sentence


def test_an_owner_hears_of_a_task_that_stands_under_two_numbers_of_shots() -> None:
    file = old_result_file(**{"lighteval|gsm8k|0": {"qem": 0.2}, "lighteval|gsm8k|5": {"qem": 0.8}})
    [sentence] = doubts(Task("gsm8k", "qem", "GSM8K"), [read_result("x/results.json", file)])
    assert sentence == (
        "gsm8k, for the column GSM8K, means several things in x/results.json: lighteval|gsm8k|0, "
        "lighteval|gsm8k|5. Write one of them in src/about.py."
    )


@pytest.mark.parametrize("value", ["85 %", None, [0.5], True])
def test_an_owner_hears_of_a_score_that_is_not_a_number(value: object) -> None:
    results = results_of("acc", 0.5, value)
    [sentence] = doubts(Task("task", "acc", "Task"), results)
    assert sentence == (
        "1 result holds something other than a number as acc of task, for the column Task: "
        f"{results[1].path}. Correct or remove it there."
    )


def test_a_program_is_told_which_scores_are_marked() -> None:
    made = Board(standings((Task("task", "acc", "Task"),), {}, mixed_results({"version": 1}, {"version": 2})))
    answer = api.leaderboard(made)
    assert answer["marks"] == [{"row": 0, "header": "Task", "reason": "Task version 1; most others have 2."}]
    assert answer["rows"][0][answer["headers"].index("Model")] == "acme/a"

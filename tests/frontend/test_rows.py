"""Requests and results become rows: matched, merged by task, averaged, ranked."""

import sys
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from src.leaderboard.merging import standings
from src.leaderboard.rows import Row
from src.shared.data.reports import read_result
from src.shared.data.request import Request, Status
from src.shared.data.result import Result
from src.tasks import Task
from support.boards import TASKS, make_result, path_of, run_at, scores
from support.factories import COMMIT, MODEL, make_request, old_result_file

OTHER_COMMIT = "f" * 40
FULL = scores(0.5, 0.75, 0.25)


def rows(
    *results: Result, requests: tuple[Request, ...] = (), tasks: tuple[Task, ...] = TASKS
) -> tuple[Row, ...]:
    return standings(tasks, {path_of(request): request for request in requests}, results).rows


def test_fractions_are_shown_times_a_hundred_and_averaged() -> None:
    [row] = rows(make_result(scores=FULL))
    assert row.scores == (50, 75, 25)
    assert row.average == 50
    assert row.rank == 1


def test_a_result_without_any_request_is_a_row() -> None:
    [row] = rows(make_result(scores=FULL))
    assert (row.model, row.precision, row.weight_type, row.commit) == (MODEL, "float32", "Original", COMMIT)
    assert row.request is None


def test_a_request_without_a_result_is_no_row() -> None:
    assert rows(requests=(make_request(),)) == ()


def test_precision_weight_type_chat_template_and_model_make_separate_rows() -> None:
    found = rows(
        make_result(scores=FULL),
        make_result(scores=FULL, chat_template="{{ messages }}"),
        make_result(scores=FULL, precision="float16"),
        make_result(scores=FULL, weight_type="Delta"),
        make_result("acme/other", scores=FULL),
    )
    assert len(found) == 5


# Merging


def test_tasks_that_were_evaluated_one_at_a_time_make_one_row() -> None:
    [row] = rows(
        make_result(run=run_at(0), scores=scores(0.5)),
        make_result(run=run_at(1), scores=scores(agreement=0.75)),
        make_result(run=run_at(2), scores=scores(copying=0.25)),
    )
    assert row.scores == (50, 75, 25)
    assert len(row.results) == 3


def test_the_newest_score_of_a_task_counts_in_whatever_order_files_come() -> None:
    results = [make_result(run=run_at(hour), scores=scores(hour / 10, 0.5, 0.5)) for hour in range(3)]
    for order in permutations(results):
        [row] = rows(*order)
        assert row.scores[0] == 20


def test_a_newer_score_that_is_not_finite_does_not_hide_an_older_one() -> None:
    [row] = rows(
        make_result(run=run_at(0), scores=FULL),
        make_result(run=run_at(1), scores=scores(float("nan"), 0.1, float("inf"))),
    )
    assert row.scores == (50, 10, 25)


def test_of_several_commits_the_newest_complete_one_is_shown_and_the_others_are_its_history() -> None:
    [row] = rows(
        make_result(run=run_at(0), commit="1" * 40, scores=FULL),
        make_result(run=run_at(1), commit="2" * 40, scores=scores(0.6, 0.6, 0.6)),
        make_result(run=run_at(2), commit="3" * 40, scores=scores(0.9)),
    )
    assert row.commit == "2" * 40
    assert [version.commit for version in row.history] == ["3" * 40, "1" * 40]


def test_when_no_commit_is_complete_the_newest_is_shown() -> None:
    [row] = rows(
        make_result(run=run_at(0), commit="1" * 40, scores=scores(0.5, 0.5)),
        make_result(run=run_at(1), commit="2" * 40, scores=scores(0.9)),
    )
    assert row.commit == "2" * 40


@pytest.mark.parametrize("unknown", [None, "", "main"])
def test_a_file_without_a_commit_merges_with_the_newest_commit(unknown: str | None) -> None:
    [row] = rows(
        make_result(run=run_at(0), commit="1" * 40, scores=FULL),
        make_result(run=run_at(1), commit="2" * 40, scores=scores(0.5, 0.5)),
        make_result(run=run_at(2), commit=unknown, scores=scores(copying=0.7)),
    )
    assert row.commit == "2" * 40
    assert row.scores == (50, 50, 70)


def test_a_limit_is_shown_only_while_a_score_under_it_is() -> None:
    config = {"model_name": MODEL, "model_sha": COMMIT, "model_dtype": "float32", "limit": 20}
    limited = make_result(run=run_at(0), scores=FULL, config=config)
    assert rows(limited)[0].limit == 20
    assert rows(limited, make_result(run=run_at(1), scores=scores(0.5)))[0].limit == 20
    assert rows(limited, make_result(run=run_at(1), scores=FULL))[0].limit is None


# Completeness and ranks


def test_an_incomplete_row_has_no_average_and_no_rank_but_stays() -> None:
    complete, incomplete = rows(
        make_result("acme/half", scores=scores(1.0, 1.0)),
        make_result("acme/whole", scores=scores(0.0, 0.0, 0.0)),
    )
    assert (complete.model, complete.rank, complete.average) == ("acme/whole", 1, 0)
    assert (incomplete.model, incomplete.rank, incomplete.average) == ("acme/half", None, None)
    assert (incomplete.done, incomplete.total) == (2, 3)


def test_incomplete_rows_come_in_the_order_of_how_much_they_have() -> None:
    found = rows(
        make_result("acme/a", scores=scores(1.0)),
        make_result("acme/b", scores=scores(0.1, 0.1)),
        make_result("acme/c", scores={}),
    )
    assert [row.model for row in found] == ["acme/b", "acme/a", "acme/c"]


def test_equal_averages_share_a_rank() -> None:
    found = rows(
        make_result("acme/b", scores=scores(0.1, 0.2, 0.3)),
        make_result("acme/a", scores=scores(0.3, 0.2, 0.1)),
        make_result("acme/c", scores=scores(0.1, 0.1, 0.1)),
        make_result("acme/d", scores=scores(0.9, 0.9, 0.9)),
    )
    assert [(row.model, row.rank) for row in found] == [
        ("acme/d", 1),
        ("acme/a", 2),
        ("acme/b", 2),
        ("acme/c", 4),
    ]


# Tasks of which lower is better


def test_a_lower_is_better_task_stays_out_of_the_average_but_its_scores_are_shown() -> None:
    tasks = (*TASKS, Task("wikitext", "word_perplexity", "Wikitext"))
    report = {**FULL, "wikitext": {"word_perplexity,none": 12.5}}
    [row] = rows(make_result(scores=report, higher_is_better={}), tasks=tasks)
    assert row.scores == (50, 75, 25, 12.5)
    assert (row.average, row.done, row.total) == (50, 3, 3)


def test_a_leaderboard_of_perplexities_alone_is_ranked_by_the_first_of_them() -> None:
    tasks = (Task("wikitext", "word_perplexity", "Wikitext"),)
    reports = {"acme/worse": {"wikitext": {"word_perplexity,none": 20.0}}, "acme/none": {}}
    reports["acme/better"] = {"wikitext": {"word_perplexity,none": 10.0}}
    results = [make_result(model, scores=report, higher_is_better={}) for model, report in reports.items()]
    found = rows(*results, tasks=tasks)
    assert [(row.model, row.rank, row.average) for row in found] == [
        ("acme/better", 1, None),
        ("acme/worse", 2, None),
        ("acme/none", None, None),
    ]


# Matching a result to its request


def test_a_result_takes_its_metadata_from_the_request_that_it_names() -> None:
    request = make_request(status=Status.FINISHED, license="apache-2.0")
    other = make_request(status=Status.FINISHED, license="mit", commit=OTHER_COMMIT, submitted_time="2027")
    [row] = rows(make_result(scores=FULL), requests=(request, other))
    assert row.request == request


def test_the_named_request_counts_while_it_is_evaluated_again() -> None:
    [row] = rows(make_result(scores=FULL), requests=(make_request(status=Status.PENDING),))
    assert row.request is not None


def old_result(**metrics: Any) -> Result:
    return read_result(
        "demo-leaderboard/gpt2-demo/results_2023-11-21T18-10-08.json", old_result_file(**metrics)
    )


OLD = {"model": "demo-leaderboard/gpt2-demo", "precision": "float16", "commit": None}


def test_an_old_result_is_matched_by_model_and_precision_to_a_finished_request() -> None:
    finished = make_request(**OLD, status=Status.FINISHED)
    others = (
        make_request(**{**OLD, "precision": "bfloat16"}, status=Status.FINISHED),
        make_request(**OLD, weight_type="Delta", status=Status.FAILED),
        make_request(**{**OLD, "model": "acme/x"}, status=Status.FINISHED),
    )
    [row] = rows(old_result(tiny_addition={"acc": 0.3}), requests=(*others, finished))
    assert row.request == finished


def test_a_request_that_is_not_finished_lends_its_metadata_to_no_old_result() -> None:
    [row] = rows(old_result(), requests=(make_request(**OLD, status=Status.PENDING),))
    assert row.request is None


def test_a_result_that_names_another_models_request_does_not_get_it() -> None:
    request = make_request(model="acme/other", status=Status.FINISHED)
    [row] = rows(
        make_result(scores=FULL, leaderboard={"request": path_of(request), "precision": "float32"}),
        requests=(request,),
    )
    assert row.request is None


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.none()


@given(st.lists(st.tuples(numbers, numbers, numbers), max_size=6))
@example([(sys.float_info.max,) * 3])
@example([(-sys.float_info.max,) * 3])
def test_whatever_the_scores_are_there_is_a_row_for_each_model(values: list[tuple[Any, Any, Any]]) -> None:
    found = rows(*(make_result(f"acme/{number}", scores=scores(*each)) for number, each in enumerate(values)))
    assert len(found) == len(values)
    for row in found:
        assert row.is_complete == (None not in row.scores) == (row.rank is not None)
        assert all(score is None or abs(score) < float("inf") for score in (*row.scores, row.average))


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.FINISHED])
def test_the_result_of_a_request_that_was_taken_back_is_not_shown(status: Status) -> None:
    """It may have been published while somebody cancelled it."""
    result = make_result(scores=FULL)
    request = make_request(status=status, run=result.run)
    shown = standings(TASKS, {str(result.request): request}, [result]).rows
    assert len(shown) == (status is Status.FINISHED)
    another_run = standings(TASKS, {str(result.request): replace(request, run="another")}, [result]).rows
    assert len(another_run) == 1

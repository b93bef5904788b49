"""What is known about rows: places, neighbours, runs, and how rows and scores compare."""

from collections.abc import Sequence
from dataclasses import replace
from math import hypot, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.leaderboard.comparison import MOST, Comparison, chosen, with_another
from src.leaderboard.details import MOST_RUNS, Change, Scale, measured, neighbours, runs, scale
from src.leaderboard.distribution import BEST, BINS, distribution
from src.leaderboard.references import reference, referred
from src.leaderboard.rows import Row, Standings
from src.shared.data.provenance import Provenance, Served
from src.shared.data.request import Request, Status
from src.shared.data.result import Setup
from src.tasks import Task
from support.boards import TASKS, path_of
from support.details import board_of, result_of, row_of
from support.factories import make_request

LOWER = tuple(replace(task, higher_is_better=False, is_fraction=False) for task in TASKS)
HUGE = 1e308


def graded(*values: float, **changes: object) -> Standings:
    """A leaderboard of acme/0, acme/1, … where each has one score in all tasks."""
    return board_of(*(result_of(f"acme/{n}", (value,) * 3) for n, value in enumerate(values)), **changes)


def names(rows: Sequence[Row]) -> list[str]:
    return [row.model for row in rows]


# The scores of one row


def test_a_score_comes_with_its_error_its_questions_and_its_interval() -> None:
    result = result_of("acme/tiny", (0.5, 0.9, None), (0.02, None, None), n_samples={"tiny_addition": 400})
    found = board_of(result)
    addition, agreement, copying = measured(found, found.rows[0])
    assert (addition.score, addition.error, addition.samples) == (50.0, 2.0, 400)
    assert addition.interval == pytest.approx((46.08, 53.92))
    assert (agreement.score, agreement.error, agreement.interval) == (90.0, None, None)
    assert (copying.score, copying.place, copying.of, copying.interval) == (None, None, 0, None)


def test_equal_scores_share_a_place_and_the_next_one_is_behind_both() -> None:
    found = graded(0.9, 0.9, 0.5, 0.1)
    places = {row.model: measured(found, row)[0].place for row in found.rows}
    assert places == {"acme/0": 1, "acme/1": 1, "acme/2": 3, "acme/3": 4}
    assert {measured(found, row)[0].of for row in found.rows} == {4}


def test_scores_that_differ_by_the_order_of_adding_share_a_place() -> None:
    found = graded(0.5818666666666666, 0.5818666666666667)
    assert [measured(found, row)[0].place for row in found.rows] == [1, 1]


def test_the_lowest_score_is_the_best_where_lower_is_better() -> None:
    found = graded(3.0, 1.0, 2.0, tasks=LOWER)
    assert {row.model: measured(found, row)[0].place for row in found.rows} == {
        "acme/0": 3,
        "acme/1": 1,
        "acme/2": 2,
    }


def test_the_best_needs_somebody_behind_it() -> None:
    alone, both = graded(0.9), graded(0.9, 0.5)
    assert not measured(alone, alone.rows[0])[0].is_best
    assert [measured(both, row)[0].is_best for row in both.rows] == [True, False]


def test_a_score_that_may_not_be_comparable_says_why() -> None:
    usual = [result_of(f"acme/{n}", versions={"tiny_addition": "1"}) for n in range(2)]
    found = board_of(*usual, result_of("acme/odd", versions={"tiny_addition": "2"}))
    addition, agreement, _ = measured(found, row_of(found, "acme/odd"))
    assert "Task version 2" in addition.mark
    assert agreement.mark == ""
    assert [each.mark for each in measured(found, row_of(found, "acme/0"))] == ["", "", ""]


# The scale of a picture


def test_fractions_are_drawn_from_nothing_to_a_hundred() -> None:
    found = graded(0.4, 0.6)
    assert scale(found, 0) == Scale(0.0, 100.0)


def test_scores_outside_widen_the_scale() -> None:
    found = board_of(
        result_of("acme/a", (-0.5, 0.5, 0.5)),
        result_of("acme/b", (1.0000001, 0.5, 0.5)),
    )
    assert scale(found, 0).low == -50.0
    assert scale(found, 0).high > 100.0


def test_other_numbers_are_drawn_from_nothing_to_the_highest() -> None:
    found = graded(3.0, 12.0, tasks=LOWER)
    assert scale(found, 0) == Scale(0.0, 12.0)
    assert scale(graded(-5.0, -2.0, tasks=LOWER), 0) == Scale(-5.0, 0.0)
    assert scale(board_of(tasks=LOWER), 0) == Scale(0.0, 0.0)


@pytest.mark.parametrize("reach", [Scale(0.0, 0.0), Scale(5.0, 5.0), Scale(0.0, 5e-324), Scale(HUGE, HUGE)])
def test_where_all_scores_are_the_same_they_lie_in_the_middle(reach: Scale) -> None:
    assert reach.at(reach.high) == 0.5


def test_scores_lie_on_the_scale_however_large_it_is() -> None:
    reach = Scale(-HUGE, HUGE)
    assert [reach.at(score) for score in (-HUGE, 0.0, HUGE)] == [0.0, 0.5, 1.0]
    assert [reach.score(share) for share in (0.0, 0.5, 1.0)] == [-HUGE, 0.0, HUGE]
    assert Scale(0.0, 1.0).at(7.0) == 1.0
    assert Scale(0.0, 1.0).at(-float("inf")) == 0.0


# Neighbours


def test_neighbours_are_two_before_and_two_behind() -> None:
    found = graded(0.9, 0.8, 0.7, 0.6, 0.5, 0.4)
    around = {row.model: names([each.row for each in neighbours(found, row)]) for row in found.rows}
    assert around["acme/0"] == ["acme/1", "acme/2"]
    assert around["acme/1"] == ["acme/0", "acme/2", "acme/3"]
    assert around["acme/3"] == ["acme/1", "acme/2", "acme/4", "acme/5"]
    assert around["acme/5"] == ["acme/3", "acme/4"]


def test_a_row_without_a_rank_has_no_neighbours_and_is_none() -> None:
    found = board_of(result_of("acme/a"), result_of("acme/b", (0.5, None, None)), result_of("acme/c"))
    assert neighbours(found, row_of(found, "acme/b")) == []
    assert names([each.row for each in neighbours(found, row_of(found, "acme/a"))]) == ["acme/c"]
    alone = graded(0.5)
    assert neighbours(alone, alone.rows[0]) == []


def test_a_neighbour_says_how_much_better_it_is_and_whether_that_is_significant() -> None:
    errors = (0.03,) * 3
    found = board_of(
        result_of("acme/best", (0.9,) * 3, errors),
        result_of("acme/good", (0.88,) * 3, errors),
        result_of("acme/bad", (0.1,) * 3, errors),
        result_of("acme/unsure", (0.05,) * 3, (0.03, None, 0.03)),
    )
    by_name = {each.row.model: each for each in neighbours(found, row_of(found, "acme/good"))}
    assert by_name["acme/best"].difference == pytest.approx(2.0)
    assert by_name["acme/best"].differs is False
    assert by_name["acme/bad"].difference == pytest.approx(-78.0)
    assert by_name["acme/bad"].differs is True
    assert by_name["acme/unsure"].differs is None


def test_a_better_neighbour_has_a_plus_where_lower_is_better_everywhere() -> None:
    found = graded(3.0, 1.0, tasks=LOWER)
    [better] = neighbours(found, row_of(found, "acme/0"))
    assert (better.row.model, better.difference) == ("acme/1", 2.0)


# Runs


def test_a_run_says_which_scores_are_new_and_which_changed() -> None:
    found = board_of(
        result_of(values=(0.5, 0.5, None), hours=0),
        result_of(values=(0.6, 0.5, 0.1), hours=1),
        result_of(values=(0.2, None, None), hours=2),
    )
    newest, middle, oldest = runs(found, found.rows[0])
    addition, agreement, copying = found.tasks
    assert oldest.changes == [Change(addition, 50.0, None), Change(agreement, 50.0, None)]
    assert middle.changes == [
        Change(addition, 60.0, 50.0),
        Change(agreement, 50.0, 50.0),
        Change(copying, 10.0, None),
    ]
    assert newest.changes == [Change(addition, 20.0, 60.0)]


def test_there_is_an_average_once_a_commit_has_all_scores() -> None:
    found = board_of(
        result_of(values=(0.5, 0.5, None), hours=0),
        result_of(values=(None, None, 0.2), hours=1),
        result_of(values=(0.8, 0.5, None), hours=2, commit="f" * 40),
        result_of(values=(None, None, 0.2), hours=3, commit="f" * 40),
    )
    averages = [run.average for run in runs(found, found.rows[0])][::-1]
    assert averages == [None, pytest.approx(40.0), None, pytest.approx(50.0)]
    assert found.rows[0].average == pytest.approx(50.0)


@pytest.mark.parametrize("unknown", [None, "main", ""])
def test_a_run_of_an_unknown_commit_counts_as_one_of_the_rows(unknown: str | None) -> None:
    found = board_of(
        result_of(values=(0.5, 0.5, None), hours=0),
        result_of(values=(None, None, 0.2), hours=1, commit=unknown),
    )
    [newest, _] = runs(found, found.rows[0])
    assert newest.average == pytest.approx(found.rows[0].average)


def test_a_change_is_from_the_last_run_also_of_another_commit() -> None:
    found = board_of(result_of(values=(0.5,) * 3), result_of(values=(0.7,) * 3, hours=1, commit="f" * 40))
    [newest, _] = runs(found, found.rows[0])
    assert [change.before for change in newest.changes] == [50.0, 50.0, 50.0]


def test_only_the_newest_runs_are_shown() -> None:
    found = board_of(*(result_of(hours=hour) for hour in range(MOST_RUNS + 5)))
    shown = runs(found, found.rows[0])
    assert len(shown) == MOST_RUNS
    assert shown[0].result.path == f"acme/tiny/{MOST_RUNS + 4}.json"
    assert shown[-1].changes[0].before == 50.0  # of a run that is not shown


def test_no_run_has_an_average_where_the_leaderboard_has_none() -> None:
    found = graded(3.0, tasks=LOWER)
    assert [run.average for run in runs(found, found.rows[0])] == [None]


# Side by side


def side_by_side(*results: object, **options: object) -> Comparison:
    found = board_of(*results, **options)  # type: ignore[arg-type]
    rows = [row_of(found, result.model) for result in results]  # type: ignore[attr-defined]
    return Comparison(found, rows)


def test_a_plus_is_better_whichever_end_is_the_best() -> None:
    for tasks, sign in ((TASKS, 1), (LOWER, -1)):
        compared = side_by_side(
            result_of("acme/a", (0.5,) * 3, (0.001,) * 3),
            result_of("acme/b", (0.9,) * 3, (0.001,) * 3),
            tasks=tasks,
        )
        first, second = compared.lines[0]
        assert (first.difference, first.differs) == (None, None)
        assert second.difference == pytest.approx(sign * (40.0 if sign == 1 else 0.4))
        assert (second.is_better, second.is_worse) == (sign == 1, sign == -1)
        assert compared.tally(1) == ((3, 0, 0) if sign == 1 else (0, 3, 0))


def test_the_tally_counts_only_tasks_that_both_have() -> None:
    errors = (0.01, 0.01, 0.01)
    compared = side_by_side(
        result_of("acme/a", (0.5, 0.5, 0.5), errors),
        result_of("acme/b", (0.9, 0.1, None), errors),
        result_of("acme/c", (0.5, 0.505, 0.9), (0.01, 0.01, None)),
    )
    assert compared.tally(1) == (1, 1, 0)
    assert compared.tally(2) == (0, 0, 3)


def test_without_an_error_nobody_knows_whether_a_difference_is_chance() -> None:
    compared = side_by_side(
        result_of("acme/a", (0.5,) * 3, (0.01, None, 0.01)), result_of("acme/b", (0.9,) * 3, (0.01,) * 3)
    )
    assert [line[1].differs for line in compared.lines] == [True, None, True]
    difference, differs = compared.averages[1]
    assert (difference, differs) == (pytest.approx(40.0), None)


def test_averages_are_compared_with_their_errors() -> None:
    compared = side_by_side(
        result_of("acme/a", (0.5,) * 3, (0.03,) * 3), result_of("acme/b", (0.52,) * 3, (0.03,) * 3)
    )
    assert compared.averages[0] == (None, None)
    difference, differs = compared.averages[1]
    assert difference == pytest.approx(2.0)
    assert differs is (1.96 * hypot(*(3.0 / 3,) * 3) * 2**0.5 < 2.0)
    partial = side_by_side(result_of("acme/a"), result_of("acme/b", (0.5, None, None)))
    assert partial.averages[1] == (None, None)


def test_only_settings_that_differ_are_named() -> None:
    setup = Setup(
        version="0.4.13",
        transformers="5",
        tasks={},
        batch_size="1",
        device="cpu",
        limit=None,
        has_chat_template=False,
        seeds=(),
    )
    shots = {task.benchmark: 0 for task in TASKS}
    compared = side_by_side(
        result_of("acme/a", precision="float16", setup=setup, n_shot={**shots, "tiny_addition": 5}),
        result_of("acme/b", precision="bfloat16", setup=replace(setup, transformers="6")),
        result_of("acme/c", precision="float16", limit=20.0, setup=None, n_samples={"tiny_copy": 1200}),
    )
    assert {each.name: list(each.values) for each in compared.settings} == {
        "Precision": ["float16", "bfloat16", "float16"],
        "Limit": ["", "", "20"],
        "Engine's version": ["0.4.13", "0.4.13", ""],
        "transformers": ["5", "6", ""],
        "Batch size": ["1", "1", ""],
        "Examples, Addition": ["5", "0", "0"],
        "Questions, Copying": ["", "", "1,200"],
    }
    alike = Comparison(compared.standings, [compared.rows[0]])
    assert alike.settings == []


def test_other_questions_prompts_and_machines_are_told() -> None:
    one = Provenance(hardware="CPU", task_hashes={"tiny_addition": "a" * 12}, chat_template_sha="c" * 12)
    other = Provenance(hardware="cuda:0", task_hashes={"tiny_addition": "b" * 12})
    compared = side_by_side(result_of("acme/a", provenance=one), result_of("acme/b", provenance=other))
    assert {each.name: list(each.values) for each in compared.settings} == {
        "Chat template's hash": ["c" * 12, ""],
        "Hardware": ["CPU", "cuda:0"],
        "Task hash, Addition": ["a" * 12, "b" * 12],
    }


def test_a_server_is_compared_with_the_worker_and_with_other_servers() -> None:
    rented = Served(inference="endpoint", is_exact=True, image="vllm/vllm-openai:v0.11.0")
    own = Served(inference="server", address="https://llm.example/v1")
    compared = side_by_side(
        result_of("acme/a", provenance=Provenance(served=rented)),
        result_of("acme/b", provenance=Provenance(served=own)),
        result_of("acme/c"),
        result_of("acme/d", run=None),
    )
    assert {each.name: list(each.values) for each in compared.settings} == {
        "Served by": [
            "an Inference Endpoint (vllm/vllm-openai:v0.11.0)",
            "a server at llm.example, which did not prove the model's commit",
            "the worker itself",
            "",
        ],
        "Batch size": ["", "", "1", "1"],
    }


def test_nothing_side_by_side_is_empty() -> None:
    compared = Comparison(board_of(result_of()), [])
    assert (list(compared.lines), list(compared.averages), list(compared.settings)) == ([], [], [])


def test_rows_are_chosen_once_each_five_at_most_and_unknown_ones_left_out() -> None:
    found = graded(*(each / 10 for each in range(9, 1, -1)))
    asked = ["acme/3", "nobody/nothing", "ACME/3", "", "acme/1:float32", "acme/1"]
    assert names(chosen(found, asked)) == ["acme/3", "acme/1"]
    assert names(chosen(found, [f"acme/{n}" for n in range(8)])) == [f"acme/{n}" for n in range(MOST)]


def test_a_search_adds_the_best_row_that_is_not_there_yet() -> None:
    found = graded(0.9, 0.8, 0.7)
    first = [found.rows[0]]
    assert names(with_another(found, first, "acme")) == ["acme/0", "acme/1"]
    assert names(with_another(found, first, "acme/2")) == ["acme/0", "acme/2"]
    assert names(with_another(found, [], "acme")) == ["acme/0"]
    for nothing in ("", "  ", "nobody", "acme/0"):
        assert with_another(found, first, nothing) == first


def test_no_sixth_row_is_added() -> None:
    found = graded(*(each / 10 for each in range(9, 1, -1)))
    assert with_another(found, found.rows[:MOST], "acme/7") == list(found.rows[:MOST])


# How scores are spread


@given(st.lists(st.none() | st.floats(-HUGE, HUGE) | st.floats(0, 1), min_size=1, max_size=30))
def test_every_score_is_counted_once_and_the_quartiles_are_scores(values: list[float | None]) -> None:
    results = [result_of(f"acme/{n}", (value, 0.5, 0.5)) for n, value in enumerate(values)]
    found = board_of(*results)
    known = [row.scores[0] for row in found.rows if row.scores[0] is not None]
    spread = distribution(found, 0)
    assert len(spread.counts) == BINS
    assert spread.total == sum(spread.counts) == len(known)
    if spread.quartiles is None:
        assert not known
        return
    assert set(spread.quartiles) <= set(known)
    for share, quartile in zip((0.25, 0.5, 0.75), spread.quartiles, strict=True):
        assert sum(score <= quartile for score in known) >= share * len(known)
        assert sum(score < quartile for score in known) <= share * len(known)
    assert [row.scores[0] for row in spread.best] == sorted(known, reverse=True)[:BEST]
    assert all(isfinite(spread.scale.score(place / BINS)) for place in range(BINS + 1))


def test_scores_are_counted_where_they_lie() -> None:
    spread = distribution(graded(0.0, 0.049, 0.05, 0.5, 1.0), 0)
    assert {place: count for place, count in enumerate(spread.counts) if count} == {0: 2, 1: 1, 10: 1, 19: 1}


def sized(**sizes: tuple[float, float | None]) -> Standings:
    """A leaderboard of models with a score and a size each."""
    requests: dict[str, Request] = {}
    for name, (_, params) in sizes.items():
        request = make_request(model=f"acme/{name}", status=Status.FINISHED, params=params)
        requests[path_of(request)] = request
    results = [result_of(f"acme/{name}", (score,) * 3) for name, (score, _) in sizes.items()]
    made = board_of(*results)
    rows = [
        replace(row, request=next(each for each in requests.values() if each.model == row.model))
        for row in made.rows
    ]
    return replace(made, rows=tuple(rows))


def test_the_best_of_each_size_is_named_in_the_order_of_sizes() -> None:
    found = sized(tiny=(0.3, 1.0), small=(0.5, 3.0), large=(0.4, 70.0), huge=(0.9, 400.0), secret=(0.1, None))
    spread = distribution(found, 0)
    assert [(size, row.model) for size, row in spread.best_by_size] == [
        ("≤ 3 B", "acme/small"),
        ("> 30 B", "acme/huge"),
        ("Unknown", "acme/secret"),
    ]
    assert names(spread.best) == ["acme/huge", "acme/small", "acme/large", "acme/tiny", "acme/secret"]


def test_the_lowest_scores_are_the_best_where_lower_is_better() -> None:
    assert names(distribution(graded(3.0, 1.0, 2.0, tasks=LOWER), 0).best) == ["acme/1", "acme/2", "acme/0"]


def test_a_task_without_scores_has_no_quartiles() -> None:
    for found in (board_of(), board_of(result_of(values=(None, 0.5, 0.5)))):
        spread = distribution(found, 0)
        assert (spread.total, spread.quartiles) == (0, None)
        assert list(spread.best) == list(spread.best_by_size) == []


# Names in links


@pytest.mark.parametrize("length", [1, 96, 100, 101, 400, 10_000])
def test_rows_with_names_of_any_length_are_told_apart(length: int) -> None:
    found = board_of(*(result_of(f"{'a' * length}{n}", (n / 10,) * 3) for n in range(3)))
    texts = [reference(found, row) for row in found.rows]
    assert len(set(texts)) == 3
    assert max(map(len, texts)) <= 400
    assert [referred(found, text) for text in texts] == list(found.rows)


def test_a_group_with_a_tasks_name_takes_no_place_of_it() -> None:
    """Owners may call a group as they like: the page of a model still has its tasks."""
    tasks = (
        Task("tiny_addition", "acc", "Addition", group="Sums", higher_is_better=True),
        Task("tiny_agreement", "acc", "Sums", higher_is_better=True),
    )
    results = [result_of("acme/a", (0.1, 0.9, None)), result_of("acme/b", (0.2, 0.8, None))]
    found = board_of(*results, tasks=tasks)
    by_name = {row.model: [each.place for each in measured(found, row)] for row in found.rows}
    assert by_name == {"acme/a": [2, 1], "acme/b": [1, 2]}

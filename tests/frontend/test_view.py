"""The view shows what a visitor asked for, in the order and with the ranks of the whole leaderboard."""

from dataclasses import replace
from typing import Any

import pytest

from src.columns import (
    AFTER_TASKS,
    AVERAGE,
    BEFORE_TASKS,
    MODEL,
    PARAMS,
    RANK,
    TYPE_SYMBOL,
    Column,
    columns,
)
from src.leaderboard.filter_kinds import Range
from src.leaderboard.filters import GONE, INCOMPLETE, choices
from src.leaderboard.merging import standings
from src.leaderboard.rows import Standings
from src.leaderboard.sorting import Sort, in_order, places
from src.leaderboard.view import Table, ViewState, view
from src.shared.data.request import Status
from support.boards import TASKS, make_result, path_of, scores
from support.factories import make_request

MODELS: dict[str, dict[str, Any]] = {
    "acme/Tiny": {"license": "mit", "params": 0.1, "model_type": "🟢 : pretrained"},
    "acme/big": {"license": "apache-2.0", "params": 70.0, "model_type": "🔶 : fine-tuned"},
    "other/model": {"license": "mit", "params": None, "model_type": "? : ", "precision": "float16"},
    "other/half": {"license": "", "params": 7.0, "model_type": "🟢 : pretrained"},
}


def a_leaderboard() -> Standings:
    requests = [make_request(model=model, status=Status.FINISHED, **facts) for model, facts in MODELS.items()]
    results = [
        make_result(
            request.model,
            precision=request.precision,
            scores=scores(0.9 - place / 10, 0.5, None if "half" in request.model else 0.5),
        )
        for place, request in enumerate(requests)
    ]
    return standings(TASKS, {path_of(request): request for request in requests}, results)


def see(*, search: str = "", columns: frozenset[str] | None = None, **filters: Any) -> Table:
    return view(a_leaderboard(), ViewState(columns, search, filters))


def models(table: Table) -> list[str]:
    return [line.row.model for line in table.lines]


def headers(table: Table) -> list[str]:
    return [column.header for column in table.columns]


def cells(table: Table, header: str) -> list[Any]:
    place = headers(table).index(header)
    return [line.cells[place] for line in table.lines]


def test_at_first_everything_is_shown_with_the_columns_that_matter() -> None:
    table = see()
    assert models(table) == list(MODELS)
    assert headers(table) == [
        "Rank",
        "T",
        "Model",
        "Average ⬆️",
        "Addition",
        "Agreement",
        "Copying",
        "Precision",
        "#Params (B)",
    ]


def test_all_columns_of_the_old_template_are_there_and_those_of_costs() -> None:
    names = [column.name for column in columns(a_leaderboard().tasks)]
    assert names == [
        *("Rank", "T", "Model", "Average ⬆️", "Addition", "Agreement", "Copying", "Type", "Architecture"),
        *(
            "Weight type",
            "Precision",
            "Chat template",
            "Hub License",
            "#Params (B)",
            "Hub ❤️",
            "Available on the hub",
            "Evaluated",
            "Evaluation (minutes)",
            "Evaluation ($)",
            "Model sha",
        ),
    ]


def test_rank_type_and_model_come_first_and_are_always_shown() -> None:
    table = see(columns=frozenset({"Model sha", "Copying"}))
    assert headers(table) == ["Rank", "T", "Model", "Copying", "Model sha"]
    assert headers(see(columns=frozenset())) == [RANK.header, TYPE_SYMBOL.header, MODEL.header]


def test_a_column_is_chosen_by_its_name_though_the_results_gave_it_an_arrow() -> None:
    board = a_leaderboard()
    tasks = (replace(board.tasks[0], higher_is_better=False), *board.tasks[1:])
    table = view(replace(board, tasks=tasks), ViewState(columns=frozenset({"Addition"})))
    assert headers(table)[-1] == "Addition ↓"


def test_the_rank_does_not_change_under_search_and_filters() -> None:
    [line] = see(search="other/model").lines
    assert line.row.rank == 3
    assert see(search="other/model").total == 4


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", list(MODELS)),
        ("tiny", ["acme/Tiny"]),
        ("  ACME/  ", ["acme/Tiny", "acme/big"]),
        ("mit", ["acme/Tiny", "other/model"]),
        ("tiny; other", ["acme/Tiny", "other/model", "other/half"]),
        (" ; ;", list(MODELS)),
        ("https://huggingface.co/acme/big/tree/main", ["acme/big"]),
        ("license: apache", ["acme/big"]),
        ("@licence:mit; model: big", ["acme/Tiny", "acme/big", "other/model"]),
        ("type: pretrained", ["acme/Tiny", "other/half"]),
        ("precision:float16", ["other/model"]),
        ("unknown: mit", []),
        ("href", []),
        ("<a", []),
        ("nothing", []),
    ],
)
def test_search(search: str, found: list[str]) -> None:
    assert models(see(search=search)) == found


def test_filters_by_type_and_precision() -> None:
    assert models(see(type=frozenset({"fine-tuned"}))) == ["acme/big"]
    assert models(see(precision=frozenset({"float16"}))) == ["other/model"]
    assert models(see(type=frozenset({"pretrained"}), search="acme")) == ["acme/Tiny"]


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        (None, None, list(MODELS)),
        (1, 10, ["other/half"]),
        (None, 10, ["acme/Tiny", "other/half"]),
        (1, None, ["acme/big", "other/half"]),
        (0, None, ["acme/Tiny", "acme/big", "other/half"]),
    ],
)
def test_a_range_of_sizes_that_was_chosen_leaves_the_unknown_out_unless_asked_for(
    low: float | None, high: float | None, found: list[str]
) -> None:
    assert models(see(size=Range(low, high))) == found
    with_unknown = [name for name in MODELS if name in found or name == "other/model"]
    assert models(see(size=Range(low, high, with_unknown=True))) == with_unknown


def test_only_what_is_known_to_be_gone_is_hidden_as_gone() -> None:
    """Nothing has checked the others: that is unknown, and unknown is not deleted."""
    board = a_leaderboard()
    gone, *others = board.rows
    board = replace(board, rows=(replace(gone, is_available=False), *others))
    assert models(view(board, ViewState(filters={"without": {GONE}}))) == list(MODELS)[1:]


def test_rows_without_all_scores_can_be_hidden() -> None:
    assert models(see(without=frozenset({INCOMPLETE}))) == list(MODELS)[:3]


def test_a_filter_offers_what_is_there() -> None:
    [types] = [column for column in AFTER_TASKS if column.header == "Type"]
    assert choices(types, a_leaderboard().rows) == ["fine-tuned", "pretrained"]


def test_numbers_have_two_decimals_and_missing_ones_are_blank_and_never_zero() -> None:
    table = see()
    assert [cell.text for cell in cells(table, "Addition")] == ["90.00", "80.00", "70.00", "60.00"]
    assert cells(table, "Copying")[-1] == (None, "")
    assert cells(table, "#Params (B)")[2] == (None, "")


def test_an_incomplete_average_says_how_much_is_there() -> None:
    assert cells(see(), AVERAGE.header)[-1] == (None, "2/3")
    assert cells(see(), RANK.header)[-1] == (None, "")


@pytest.mark.parametrize(
    ("params", "text"),
    [(70.0, "70.000"), (1.5432, "1.543"), (0.124, "0.124"), (0.00035, "0.00035"), (None, "")],
)
def test_sizes_are_readable_from_the_smallest_to_the_largest(params: float | None, text: str) -> None:
    request = make_request(status=Status.FINISHED, params=params)
    [row] = standings(TASKS, {path_of(request): request}, [make_result()]).rows
    assert PARAMS.cell(row).text == text


@pytest.mark.parametrize(
    "extra",
    [
        {"architectures": "LlamaForCausalLM"},
        {"architectures": ["LlamaForCausalLM"]},
        {"architecture": "LlamaForCausalLM"},
    ],
)
def test_the_architecture_is_read_from_either_key(extra: dict[str, object]) -> None:
    request = make_request(status=Status.FINISHED, extra=extra)
    table = view(
        standings(TASKS, {path_of(request): request}, [make_result()]),
        ViewState(columns=frozenset({"Architecture"})),
    )
    assert cells(table, "Architecture")[0].value == "LlamaForCausalLM"


def test_no_two_columns_share_a_name() -> None:
    names = [column.name for column in BEFORE_TASKS + AFTER_TASKS]
    assert len(names) == len(set(names))


# Sorting


@pytest.mark.parametrize(
    ("column", "best_first", "worst_first"),
    [
        ("Rank", ["Tiny", "big", "model", "half"], ["model", "big", "Tiny", "half"]),
        ("Addition", ["Tiny", "big", "model", "half"], ["half", "model", "big", "Tiny"]),
        ("Copying", ["Tiny", "big", "model", "half"], ["Tiny", "big", "model", "half"]),
        ("#Params (B)", ["big", "half", "Tiny", "model"], ["Tiny", "half", "big", "model"]),
        ("Hub License", ["big", "Tiny", "model", "half"], ["Tiny", "model", "big", "half"]),
        ("Model", ["big", "Tiny", "half", "model"], ["model", "half", "Tiny", "big"]),
        ("Nothing", ["Tiny", "big", "model", "half"], ["Tiny", "big", "model", "half"]),
    ],
)
def test_a_column_is_sorted_by_its_direction_and_missing_values_are_always_last(
    column: str, best_first: list[str], worst_first: list[str]
) -> None:
    for worst, order in ((False, best_first), (True, worst_first)):
        table = view(a_leaderboard(), ViewState(sort=Sort(column, worst_first=worst)))
        assert [name.rpartition("/")[2] for name in models(table)] == order


def test_the_lowest_is_the_best_where_lower_is_better() -> None:
    board = a_leaderboard()
    tasks = (replace(board.tasks[0], higher_is_better=False), *board.tasks[1:])
    table = view(replace(board, tasks=tasks), ViewState(sort=Sort("Addition")))
    assert models(table) == list(reversed(MODELS))
    assert not table.is_descending


def test_numbers_and_texts_of_an_owners_column_can_be_sorted() -> None:
    board = a_leaderboard()
    mixed = Column("Mixed", lambda row: {"acme/Tiny": "b", "acme/big": 3, "other/half": "A"}.get(row.model))
    for worst, order in ((False, "Tiny half big model"), (True, "big half Tiny model")):
        ordered = in_order(board.rows, mixed, Sort("Mixed", worst_first=worst))
        assert [row.model.rpartition("/")[2] for row in ordered] == order.split()


def test_a_view_has_as_many_rows_as_are_wanted_and_says_how_many_there_are() -> None:
    table = view(a_leaderboard(), ViewState(search="acme; half", size=2))
    assert models(table) == ["acme/Tiny", "acme/big"]
    assert (table.found, table.total) == (3, 4)


def test_the_day_of_an_evaluation_is_a_column_with_the_newest_first() -> None:
    requests = [make_request(model=name, status=Status.FINISHED) for name in ("acme/old", "acme/new")]
    results = [
        make_result("acme/old", run="20240101T000000Z-00000000", scores=scores(0.9, 0.5, 0.5)),
        make_result("acme/new", run="20260131T120000Z-00000000", scores=scores(0.1, 0.5, 0.5)),
    ]
    board = standings(TASKS, {path_of(request): request for request in requests}, results)
    table = view(board, ViewState(columns=frozenset({"Evaluated"}), sort=Sort("Evaluated")))
    assert models(table) == ["acme/new", "acme/old"]


def sorted_by(name: str, *, worst_first: bool = False, **state: Any) -> Table:
    return view(a_leaderboard(), ViewState(sort=Sort(name, worst_first=worst_first), **state))


def test_a_table_sorted_by_a_task_says_each_rows_place_among_all() -> None:
    by_task = sorted_by("Addition")
    assert [row.scores[0] for row in by_task.rows] == pytest.approx([90, 80, 70, 60])
    assert by_task.places == (1, 2, 3, 4)
    assert sorted_by("Agreement").places == (1, 1, 1, 1)
    assert sorted_by("Copying").places == (1, 1, 1, None)


def test_a_search_and_the_worst_first_change_no_place_and_no_rank() -> None:
    found = sorted_by("Addition", worst_first=True, search="other", size=1)
    assert [(row.model, row.rank) for row in found.rows] == [("other/half", None)]
    assert found.places == (4,)


def test_means_that_differ_by_the_order_of_adding_only_share_a_place() -> None:
    one, other, *_ = a_leaderboard().rows
    rows = [replace(one, scores=(58.18666666666666,)), replace(other, scores=(58.18666666666667,))]
    column = Column("Score", lambda row: row.scores[0])
    assert set(places(Standings(rows=tuple(rows)), column).tolist()) == {1}


def test_a_table_by_rank_average_or_words_needs_no_places() -> None:
    for name in ("Rank", AVERAGE.name, "Model", "no such column"):
        assert sorted_by(name).places == ()

"""The filters: what each keeps, and which parts of a choice a visitor can take back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from src.leaderboard.active import MOST, Active, cleared
from src.leaderboard.active import active as active_parts
from src.leaderboard.filter_kinds import Range
from src.leaderboard.filters import DATES, FILTERS
from src.leaderboard.licenses import OPEN, is_open
from src.leaderboard.merging import standings
from src.leaderboard.rows import Standings
from src.leaderboard.view import OPENING, ViewState, view
from src.shared.data.request import Status
from src.shared.models.model_source import Presence
from support.boards import TASKS, make_result, path_of, scores
from support.factories import make_request

TODAY = datetime(2026, 11, 29, 12, tzinfo=UTC)

MODELS: dict[str, dict[str, Any]] = {
    "acme/3": {"license": "apache-2.0", "params": 3.0, "model_type": "🟢 : pretrained"},
    "acme/8": {"license": "MIT", "params": 8.0},
    "acme/30": {"license": "llama3.1", "params": 30.0},
    "acme/70": {"license": "cc-by-nc-4.0", "params": 70.0},
    "acme/unknown": {"license": "", "params": None},
    "acme/gone": {"license": "mit", "params": 0.1, "extra": {"still_on_hub": False}},
}


def a_board() -> Standings:
    requests = [make_request(model=name, status=Status.FINISHED, **facts) for name, facts in MODELS.items()]
    results = [
        make_result(request.model, precision=request.precision, scores=scores(0.5, 0.5, 0.5))
        for request in requests
    ]
    return standings(TASKS, {path_of(request): request for request in requests}, results)


def found(**filters: Any) -> set[str]:
    state = ViewState(filters={**OPENING.filters, **filters})
    return {row.model.removeprefix("acme/") for row in view(a_board(), state).rows}


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [
        ({"open"}, {"3", "8"}),
        ({"not open"}, {"30", "70"}),
        ({"none"}, {"unknown"}),
        ({"llama3.1"}, {"30"}),
        ({"open", "llama3.1"}, {"3", "8", "30"}),
        ({"no-such-licence"}, set()),
        (set(), {"3", "8", "30", "70", "unknown"}),
    ],
)
def test_licences_are_chosen_as_open_as_others_and_each_by_its_name(chosen: set[str], kept: set[str]) -> None:
    assert found(license=chosen) == kept


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [
        ({"0-3"}, {"3"}),
        ({"3-8"}, {"8"}),
        ({"8-30"}, {"30"}),
        ({"30-"}, {"70"}),
        ({"unknown"}, {"unknown"}),
        ({"0-3", "30-"}, {"3", "70"}),
        ({"0-3", "3-8", "8-30", "30-", "unknown"}, {"3", "8", "30", "70", "unknown"}),
    ],
)
def test_every_size_is_in_one_of_the_quick_ranges(chosen: set[str], kept: set[str]) -> None:
    assert found(sizes=chosen) == kept


@pytest.mark.parametrize(
    "license", ["apache-2.0", "mit", "cc-by-4.0", "Apache-2.0", "bsd-3-clause", "mpl-2.0"]
)
def test_a_licence_that_allows_every_use_is_open(license: str) -> None:
    assert is_open(license)


@pytest.mark.parametrize(
    "license",
    ["llama3", "gemma", "openrail", "bigscience-bloom-rail-1.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "other"],
)
def test_a_licence_with_rules_of_use_is_not_open(license: str) -> None:
    assert is_open(license) is False


def test_what_is_unknown_is_neither() -> None:
    assert is_open("") is is_open(None) is None
    assert all(name == name.casefold() for name in OPEN)


# What is active


def active(board: Standings, chosen: ViewState) -> list[Active]:
    return active_parts(board, chosen, found=view(board, chosen).found)


def state(search: str = "", **filters: Any) -> ViewState:
    return ViewState(search=search, filters={**OPENING.filters, **filters})


def test_each_part_of_a_choice_can_be_taken_back() -> None:
    chosen = state(
        " acme ",
        license=frozenset({"open", "MIT"}),
        size=Range(None, 8.5),
        without=frozenset({"gone", "incomplete"}),
    )
    parts = active(a_board(), chosen)
    assert [part.label for part in parts] == [
        "Search: acme",
        "Licence: MIT",
        "Licence: Open licences",
        "Size: up to 8.5",
        "Hide: Without all scores",
    ]
    assert [part.found for part in parts] == [None] * 5
    for part in parts:
        assert len(active(a_board(), part.without)) == 4
    assert active(a_board(), cleared(chosen)) == []


def test_at_first_nothing_is_active() -> None:
    assert active(a_board(), OPENING) == []


def test_when_nothing_is_found_the_part_that_is_most_in_the_way_comes_first() -> None:
    parts = active(a_board(), state("acme", license=frozenset({"mit"}), sizes=frozenset({"30-"})))
    assert [(part.label, part.found) for part in parts] == [
        ("Licence: mit", 1),
        ("Search: acme", 0),
        ("Size: > 30 B", 0),
    ]


def test_a_model_that_is_only_hidden_because_it_is_gone_can_be_shown() -> None:
    parts = active(a_board(), state("gone"))
    assert ("Hide: No longer on the Hub", 1) in [(part.label, part.found) for part in parts]
    assert ("Search: gone", 5) in [(part.label, part.found) for part in parts]


def test_every_filter_has_a_name_of_its_own() -> None:
    names = [each.name for each in FILTERS]
    assert len(set(names)) == len(names)


def test_what_hides_every_model_at_first_can_be_taken_back_too() -> None:
    board = a_board()
    gone = Standings(board.tasks, tuple(row for row in board.rows if row.model == "acme/gone"))
    [part] = active(gone, OPENING)
    assert (part.label, part.found) == ("Hide: No longer on the Hub", 1)
    both = state(without=frozenset({"gone", "incomplete"}))
    [usual] = [part for part in active(gone, both) if part.found]
    assert usual.without.filters["without"] == {"incomplete"}


def test_however_much_is_chosen_the_parts_are_few() -> None:
    license = FILTERS[2]
    many = license.read(f"licence-{number}" for number in range(500))  # type: ignore[attr-defined]
    assert len(many) == 20
    assert len(active(a_board(), state(license=many))) == MOST


@pytest.mark.parametrize(
    ("license", "open_"), [("mit, apache-2.0", True), ("mit, llama3", False), ("?", None), ("unknown", None)]
)
def test_several_licences_are_open_if_each_is(license: str, open_: bool | None) -> None:
    assert is_open(license) is open_


def aged(*days: int) -> Standings:
    """A board whose models were evaluated so many days before `TODAY`, the oldest result of each first."""
    results = [
        make_result(
            f"acme/{age}",
            run=f"{TODAY - timedelta(days=age):%Y-%m-%dT%H-%M-%S.%f}",
            scores=scores(0.5, 0.5, 0.5),
        )
        for age in days
    ]
    return standings(TASKS, {}, results)


def test_a_day_keeps_what_was_evaluated_then_or_later() -> None:
    day = (TODAY - timedelta(days=7)).date().isoformat()
    state = ViewState(filters={"since": day})
    assert [row.model for row in view(aged(0, 7, 8), state).rows] == ["acme/0", "acme/7"]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-01", "2026-11-01"),
        ("2026-11-01T10:00:00", "2026-11-01"),
        ("2026-02-30", ""),
        ("yesterday", ""),
        ("29.11.2026", ""),
        ("2026-W01-1", ""),
        ("20261129", ""),
        ("", ""),
        ("9999-12-31", "9999-12-31"),
        ("<script>", ""),
    ],
)
def test_only_a_day_of_the_calendar_is_a_day(text: str, day: str) -> None:
    assert DATES.read([text]) == day


def test_a_day_is_a_part_that_can_be_taken_back() -> None:
    assert [part.label for part in DATES.parts("2026-11-01")] == ["Evaluated since 2026-11-01"]
    assert DATES.parts("") == []


@pytest.mark.parametrize(
    ("hidden", "kept"),
    [
        (set(), {"merged", "mixed", "plain", "unknown"}),
        ({"merge"}, {"plain", "mixed", "unknown"}),
        ({"moe"}, {"plain", "merged", "unknown"}),
        ({"merge", "moe"}, {"plain", "unknown"}),
    ],
)
def test_merged_models_and_mixtures_of_experts_can_be_hidden_once_the_hub_has_said_so(
    hidden: set[str], kept: set[str]
) -> None:
    presences = {
        "acme/merged": Presence(True, frozenset({"merge"})),
        "acme/mixed": Presence(True, frozenset({"moe"})),
        "acme/plain": Presence(True),
    }
    results = [make_result(name, scores=scores(0.5, 0.5, 0.5)) for name in (*presences, "acme/unknown")]
    board = standings(TASKS, {}, results, presences)
    rows = view(board, ViewState(filters={"without": hidden})).rows
    assert {row.model.removeprefix("acme/") for row in rows} == kept


def test_an_architecture_is_chosen_by_its_name() -> None:
    requests = {
        path_of(request): request
        for name in ("Llama", "Qwen2")
        for request in [
            make_request(
                model=f"acme/{name}", status=Status.FINISHED, extra={"architectures": f"{name}ForCausalLM"}
            )
        ]
    }
    results = [
        make_result(request.model, precision=request.precision, scores=scores(0.5, 0.5, 0.5))
        for request in requests.values()
    ]
    board = standings(TASKS, requests, results)
    rows = view(board, ViewState(filters={"architecture": {"Qwen2ForCausalLM"}})).rows
    assert [row.model for row in rows] == ["acme/Qwen2"]

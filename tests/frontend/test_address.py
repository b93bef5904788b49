"""A view survives as an address: what a visitor sends is what another one opens."""

from datetime import date
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.columns import columns
from src.leaderboard.address import KEYS, MOST_PAIRS, query, state
from src.leaderboard.filter_kinds import Range
from src.leaderboard.filters import FILTERS, HIDDEN
from src.leaderboard.rescoring import Scoring
from src.leaderboard.scoring import TaskColumn
from src.leaderboard.sorting import Sort
from src.leaderboard.view import OPENING, PAGE, ViewState
from src.tasks import Task

TASKS = [
    TaskColumn(Task("gsm8k", "acc", "GSM8K")),
    TaskColumn(Task("odd", "acc", "A&B=C; ünï #1")),
    TaskColumn(Task("more", "acc", "Hidden", is_default=False)),
]
OFFERED = [column for column in columns(TASKS) if not column.is_fixed]
AT_FIRST = frozenset(column.name for column in OFFERED if column.is_default)

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
ends = st.none() | st.floats(0, 1e6).map(lambda number: round(number, 3))
states = st.builds(
    ViewState,
    columns=st.frozensets(st.sampled_from([column.name for column in OFFERED])),
    search=st.just("") | texts,
    filters=st.fixed_dictionaries(
        {
            "type": st.frozensets(texts, max_size=3),
            "precision": st.frozensets(texts, max_size=3),
            "license": st.frozensets(texts, max_size=2),
            "sizes": st.frozensets(st.sampled_from(["0-3", "8-30", "unknown"])),
            "size": st.builds(Range, ends, ends, st.booleans()),
            "since": st.just("") | st.dates().map(date.isoformat),
            "minutes": st.builds(Range, ends, ends, st.booleans()),
            "dollars": st.builds(Range, ends, ends, st.booleans()),
            "architecture": st.frozensets(texts, max_size=2),
            "without": st.frozensets(st.sampled_from(sorted(HIDDEN.kinds))),
        }
    ),
    sort=st.builds(Sort, texts, st.booleans()),
    size=st.none() | st.integers(PAGE, 100_000),
    scoring=st.builds(
        Scoring,
        st.dictionaries(
            st.sampled_from([task.task.col_name for task in TASKS]),
            st.floats(0, 1000).map(lambda weight: float(f"{weight:g}")).filter(lambda weight: weight != 1),
        ).map(lambda weights: frozenset(weights.items())),
        st.booleans(),
    ),
    has_ranges=st.booleans(),
)


@given(states)
def test_an_address_opens_the_view_that_it_was_made_from(chosen: ViewState) -> None:
    assert state(query(chosen, OFFERED), OFFERED) == chosen


def test_every_filter_is_in_the_random_states() -> None:
    expected = {"type", "precision", "license", "sizes", "size", "since", "architecture", "without"}
    assert {each.name for each in FILTERS} == {*expected, "minutes", "dollars"}


def test_the_view_that_the_page_opens_with_needs_no_query() -> None:
    opening = state("", OFFERED)
    assert query(opening, OFFERED) == ""
    assert opening.columns == AT_FIRST
    assert (opening.filters, opening.size, opening.sort) == (OPENING.filters, OPENING.size, OPENING.sort)


@pytest.mark.parametrize(
    ("readable", "chosen"),
    [
        ("q=qwen", {"search": "qwen"}),
        ("type=chat&type=pretrained", {"filters": {"type": frozenset({"chat", "pretrained"})}}),
        ("size=3..8", {"filters": {"size": Range(3, 8)}}),
        ("size=..8&size=unknown", {"filters": {"size": Range(None, 8, with_unknown=True)}}),
        ("without=nothing", {"filters": {"without": frozenset()}}),
        ("sort=GSM8K", {"sort": Sort("GSM8K")}),
        ("sort=GSM8K&worst_first=yes", {"sort": Sort("GSM8K", worst_first=True)}),
        ("show=Hidden&hide=GSM8K", {"columns": (AT_FIRST | {"Hidden"}) - {"GSM8K"}}),
        ("rows=all", {"size": None}),
        ("ranks=ranges", {"has_ranges": True}),
        ("scores=normalised", {"scoring": Scoring(is_normalised=True)}),
        ("weight=GSM8K%3A2.5", {"scoring": Scoring(frozenset({("GSM8K", 2.5)}))}),
    ],
)
def test_an_address_is_short_and_readable(readable: str, chosen: dict[str, object]) -> None:
    opening = state("", OFFERED)
    filters = {**opening.filters, **chosen.pop("filters", {})}  # type: ignore[dict-item]
    wanted = ViewState(**{**vars(opening), "filters": filters, **chosen})  # type: ignore[arg-type]
    assert query(wanted, OFFERED) == readable
    assert state(f"?{readable}", OFFERED) == wanted


@pytest.mark.parametrize(
    "old",
    [
        "unknown=1&q=qwen",
        "q=qwen&show=No+such+column&hide=Nor+this",
        "q=qwen&size=a..b&rows=many",
        "q=qwen&rows=-5&worst_first=perhaps",
        "q=qwen&rows=999999999999999",
        "q=qwen&size=nan..inf",
        "q=qwen&size=-5..",
        "q=qwen&without=bogus",
        "q=qwen&tab=submit&__theme=dark",
        "q=qwen&&=&%ff=%ff",
    ],
)
def test_an_old_link_with_unknown_parts_still_opens(old: str) -> None:
    opening = state("", OFFERED)
    assert state(old, OFFERED) == ViewState(**{**vars(opening), "search": "qwen"})


def test_a_query_of_any_length_is_read_in_bounds() -> None:
    assert state("&".join(["q=a"] * (MOST_PAIRS + 1)), OFFERED) == state("", OFFERED)
    assert len(state(f"q={'a' * 100_000}", OFFERED).search) <= 1000
    long = state(urlencode([("type", "a" * 100_000)]), OFFERED)
    assert long.filters["type"] == frozenset()


def test_the_keys_of_the_view_are_known_to_the_page() -> None:
    opening = state("", OFFERED)
    everything = ViewState(
        columns=frozenset({"Hidden"}),
        search="q",
        filters={
            "type": {"a"},
            "precision": {"b"},
            "license": {"c"},
            "sizes": {"0-3"},
            "size": Range(1, 2, True),
            "since": "2026-11-01",
            "minutes": Range(1, 2, True),
            "dollars": Range(1, 2, True),
            "architecture": {"d"},
            "without": frozenset(),
        },
        sort=Sort("GSM8K", worst_first=True),
        size=None,
        scoring=Scoring(frozenset({("GSM8K", 2.0)}), is_normalised=True),
        has_ranges=True,
    )
    assert {key for key, _ in parse_qsl(query(everything, OFFERED))} == KEYS
    assert opening.search == ""


@pytest.mark.parametrize(
    ("query_of_weights", "weights"),
    [
        ("weight=GSM8K:1", set()),  # the owner's
        ("weight=GSM8K:2&weight=GSM8K:3", {("GSM8K", 3.0)}),
        ("weight.GSM8K=2&weight.Hidden=", {("GSM8K", 2.0)}),  # as a form writes them
        ("weight=" + urlencode({"": "A&B=C; ünï #1:0"})[1:], {("A&B=C; ünï #1", 0.0)}),
        ("weight=GSM8K:-1&weight=Hidden:nan", set()),
        ("weight=GSM8K:1e9&weight=Hidden:inf", set()),
        ("weight=GSM8K:14042", {("GSM8K", 14042.0)}),  # an owner's weight can be a number of questions
        ("weight=Nobody:2&weight=GSM8K&weight=2&weight=:2", set()),
        ("weight=Average ⬆️:2", set()),
    ],
)
def test_weights_in_an_address_are_read_with_care(
    query_of_weights: str, weights: set[tuple[str, float]]
) -> None:
    assert state(query_of_weights, OFFERED).scoring.weights == weights


def test_a_weight_of_minus_zero_is_written_as_zero() -> None:
    assert query(state("weight=GSM8K:-0", OFFERED), OFFERED) == "weight=GSM8K%3A0"

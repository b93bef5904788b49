"""The charts on the page: what is chosen, what is sent, what is said, and that names stay text."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.leaderboard.rows import Row, Standings
from src.leaderboard.scores import main_column
from src.leaderboard.scoring import TaskColumn
from src.page.charts import points
from src.page.charts.charts_tab import NOT_READ, ChartsTab, words
from src.page.charts.choice import Choice, Kind, read
from src.page.charts.draw import KeptCharts, draw
from src.page.charts.drawn import MOST_LINES, SHOW_MODEL, SHOW_TASK, Drawn
from src.page.charts.figures import plain
from src.tasks import Task
from support.boards import Leaderboard, scores
from support.charted import DOWN, UP, board, named, row
from support.hostile_html import Parsed
from support.page_requests import page_request

HOSTILE = ["<img src=x onerror=alert(1)>", "%{x} %{customdata}", "<b>bold</b>", "&lt;i&gt;", "\ud800", "$x$"]

GROUPED = tuple(
    TaskColumn(Task(name.lower(), "acc", name, group=group))
    for name, group in (("Adding", "Reasoning"), ("Copying", "Reasoning"), ("Other", ""))
)


def figure(found: Standings, kind: Kind, column: str = "") -> dict[str, Any]:
    made: dict[str, Any] = json.loads(drawn(found, kind, column).figure)
    return made


def drawn(found: Standings, kind: Kind, column: str = "") -> Drawn:
    return draw(found, Choice(kind, named(found, column) if column else main_column(found)))


THREE = board(
    row(50.0, 3.0, size=0.5, day=0, model="acme/tiny", minutes=30),
    row(80.0, 2.0, size=7, day=1, model="acme/big", minutes=720),
    row(70.0, 2.5, size=8, day=2, model="other/late", minutes=600),
)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (Kind.SIZE, "3 models; the best is acme/big with 80.00, the best under 1 B is acme/tiny with 50.00."),
        (
            Kind.COST,
            "3 models; the best is acme/big with 80.00 for $12.00, the best for a tenth of that or less is "
            "acme/tiny with 50.00 for $0.50.",
        ),
        (Kind.TIME, "3 models, 2 records; the latest is acme/big with 80.00 on 2026-02-02."),
        (Kind.HEAT_MAP, "The best 3 of 3 models on 2 tasks; the first is acme/tiny."),
        (Kind.CORRELATION, "Most alike are Up and Down (1.00)."),
    ],
)
def test_a_sentence_says_what_the_chart_shows(kind: Kind, sentence: str) -> None:
    assert drawn(THREE, kind).sentence == sentence


NOTHING = {
    "no rows": (Standings((UP, DOWN)), Kind.SIZE, "No model has a score of Average yet."),
    "no dates": (
        board(row(1.0, 2.0, day=None)),
        Kind.TIME,
        "1 model with a score of Average, but no result says its day.",
    ),
    "no sizes": (
        board(row(1.0, 2.0, size=None), row(2.0, 2.0, size=None)),
        Kind.SIZE,
        "2 models with a score of Average, but none with a known size.",
    ),
    "no costs": (
        board(row(1.0, 2.0, minutes=None)),
        Kind.COST,
        "1 model with a score of Average, but none with a known cost.",
    ),
    "no scores": (board(row(None, None)), Kind.HEAT_MAP, "No model has a score of a single task yet."),
    "two models": (
        board(row(1.0, 2.0), row(2.0, 3.0)),
        Kind.CORRELATION,
        "A correlation needs two tasks and 3 models that have scores of both.",
    ),
    "equal scores": (
        board(*[row(1.0, 2.0)] * 3),
        Kind.CORRELATION,
        "No two tasks can be compared: all models have the same score.",
    ),
}


@pytest.mark.parametrize(("found", "kind", "sentence"), NOTHING.values(), ids=NOTHING)
def test_a_sentence_says_what_is_missing(found: Standings, kind: Kind, sentence: str) -> None:
    assert drawn(found, kind).sentence == sentence


@pytest.mark.parametrize("kind", Kind)
def test_without_rows_there_is_a_sentence_and_no_figure(kind: Kind) -> None:
    made = drawn(Standings((UP, DOWN)), kind)
    assert made.sentence.endswith(".")
    assert (made.figure, made.numbers.lines) == ("", ())


@pytest.mark.parametrize("kind", [Kind.SIZE, Kind.COST, Kind.TIME, Kind.HEAT_MAP])
def test_one_model_makes_a_chart(kind: Kind) -> None:
    assert "acme/tiny" in drawn(board(row(50.0, 2.0)), kind).figure


def test_what_a_chart_leaves_out_is_counted() -> None:
    found = board(row(1.0, 2.0), row(2.0, 3.0, size=None), row(None, 3.0))
    made = drawn(found, Kind.SIZE)
    assert made.left_out == "2 of 3 models left out: their size or score is not known."
    assert made.left_out in words(made, Choice(Kind.SIZE, main_column(found)), found)


def test_models_of_unknown_cost_and_free_ones_are_left_out_of_the_costs_and_counted() -> None:
    rows = [
        row(1.0, 2.0),
        row(2.0, 3.0, price=None, model="acme/unpaid"),
        row(3.0, 4.0, minutes=None, model="acme/untimed"),
    ]
    made = drawn(board(*rows), Kind.COST)
    assert made.left_out == "2 of 3 models left out: their cost or score is not known."
    made = drawn(board(*rows, row(4.0, 5.0, price=0.0, model="acme/free")), Kind.COST)
    assert made.left_out == "3 of 4 models left out: their cost or score is not known, or their cost is 0."
    assert made.sentence == "1 model; the best is acme/tiny with 1.00 for $1.00."


@pytest.mark.parametrize("prices", [(None, None), (0.0, None), (0.0, 0.0)])
def test_where_no_dollars_are_known_the_costs_are_minutes(prices: tuple[float | None, float | None]) -> None:
    rows = [row(1.0, 2.0, price=prices[0]), row(2.0, 3.0, price=prices[1], minutes=90, model="acme/slow")]
    made = drawn(board(*rows), Kind.COST)
    assert made.sentence == "2 models; the best is acme/slow with 2.00 in 90.0 minutes."
    assert made.numbers.headers[1:] == (
        "Duration of the evaluation in minutes",
        "Average",
        "Best for the time",
    )
    assert [line.cells for line in made.numbers.lines] == [("90.0", "2.00", "yes"), ("60.0", "1.00", "yes")]
    assert "min" in json.loads(made.figure)["data"][0]["hovertemplate"]


def test_the_costs_of_a_column_are_those_of_models_with_a_score_of_it() -> None:
    found = board(row(1.0, None), row(2.0, 3.0, price=None, model="acme/other"))
    assert drawn(found, Kind.COST).sentence == "1 model; the best is acme/tiny with 1.00 for $1.00."
    assert drawn(found, Kind.COST, "Down").sentence.endswith("acme/other with 3.00 in 60.0 minutes.")


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", Kind)
def test_names_stay_text_in_figures_and_below_them(name: str, kind: Kind) -> None:
    tasks = (TaskColumn(Task("up", "acc", f"{name}1")), TaskColumn(Task("other", "acc", f"{name}2")))
    rows = [row(float(place), place * 2.0, size=place + 1.0, model=f"{name}{place}") for place in range(3)]
    found = board(*rows, tasks=tasks)
    choice = Choice(kind, named(found, f"{name}1"))
    made = draw(found, choice)
    whole = json.loads(made.figure)
    for trace in whole["data"]:
        assert name not in trace["hovertemplate"]
    for text in shown_texts(whole):
        assert "<img" not in text
        assert "<b>" not in text
    parsed = Parsed(words(made, choice, found))
    assert {tag[0].removeprefix("/") for tag in parsed.tags} <= {
        "div", "p", "details", "summary", "table", "thead", "tbody", "tr", "th", "td", "a",
    }  # fmt: skip
    assert all("onerror" not in tag for tag in parsed.tags)


def shown_texts(whole: dict[str, Any]) -> list[str]:
    """All texts that plotly reads as HTML: not those that only scripts read."""
    axes = (whole["layout"]["xaxis"], whole["layout"]["yaxis"])
    found = [axis["title"]["text"] for axis in axes if "title" in axis]
    found += [text for axis in axes for text in axis.get("ticktext", [])]
    for trace in whole["data"]:
        has_names = "%{customdata}" in trace["hovertemplate"]
        for key in ("text", "hovertext", *(("customdata",) if has_names else ())):
            lines = [[each] if isinstance(each, str) else each for each in trace.get(key, [])]
            found += [text for line in lines for text in line]
    return [text.replace("<br>", "") for text in found]


@given(st.text())
def test_no_text_is_html_for_plotly(text: str) -> None:
    assert not set("<>") & set(plain(text))


def test_a_point_tells_a_script_the_reference_that_a_link_opens() -> None:
    found = board(row(2.0, 1.0, size=1), row(1.0, 1.0, size=2, precision="bfloat16"))
    others, front = figure(found, Kind.SIZE)["data"]
    assert front["customdata"] == ["acme/tiny"]
    assert others["customdata"] == ["acme/tiny:bfloat16"]
    page = str(words(drawn(found, Kind.SIZE), Choice(Kind.SIZE, main_column(found)), found))
    assert '<a href="?model=acme/tiny:bfloat16">' in page


def test_presses_show_a_model_or_for_correlations_a_task() -> None:
    assert [drawn(THREE, kind).event for kind in Kind] == [*[SHOW_MODEL] * 4, SHOW_TASK]
    assert figure(THREE, Kind.CORRELATION)["data"][0]["customdata"] == [["Up", "Up"], ["Down", "Down"]]
    assert figure(THREE, Kind.HEAT_MAP)["data"][0]["customdata"][1] == ["acme/tiny", "acme/big", "other/late"]


def test_a_table_has_the_same_numbers_the_front_first_and_the_best_after_it() -> None:
    numbers = drawn(THREE, Kind.SIZE).numbers
    assert numbers.headers == ("Model", "Billions of parameters", "Average", "Best of its size")
    assert [(line.name, *line.cells) for line in numbers.lines] == [
        ("acme/big", "7.000", "80.00", "yes"),
        ("acme/tiny", "0.5", "50.00", "yes"),
        ("other/late", "8.000", "70.00", ""),
    ]


def test_a_table_has_a_limit() -> None:
    many = board(*(row(float(place), None, model=f"acme/{place}") for place in range(MOST_LINES + 1)))
    assert len(drawn(many, Kind.SIZE).numbers.lines) == MOST_LINES


def test_long_names_leave_room_for_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "MOST_LETTERS", 250)
    rows = [row(float(place), None, size=place + 1.0, model=f"acme/{'x' * 90}{place}") for place in range(9)]
    made = drawn(board(row(9.0, None, size=0.5, model="acme/front"), *rows), Kind.SIZE)
    others, front = json.loads(made.figure)["data"]
    assert front["customdata"] == ["acme/front"]
    assert [name[-1] for name in others["customdata"]] == ["7", "8"]
    assert "shows 3 of them" in made.note


def test_the_figure_is_sent_without_plotlys_own_look_and_buttons() -> None:
    found = figure(THREE, Kind.SIZE)
    assert len(json.dumps(found["layout"]["template"])) < 100
    assert found["config"] == {"displayModeBar": False}


@pytest.mark.parametrize("value", [1e308, -1e308, float("inf"), float("nan"), 1e9, -1e9])
@pytest.mark.parametrize("kind", Kind)
def test_extreme_numbers_make_a_valid_figure(kind: Kind, value: float) -> None:
    rows = [row(value, value), row(1.0, 2.0, size=1e300), row(2.0, 3.0), row(3.0, 1.0, size=1e-300)]
    assert figure(board(*rows), kind)["data"]


def test_an_address_is_read_and_written_back() -> None:
    for kind in Kind:
        for name in ("Average ⬆️", "Up", "Down"):
            choice = Choice(kind, named(THREE, name))
            query = choice.query(THREE)
            again = read(page_request(query=query).query_params, THREE)
            assert again.kind == kind
            assert again.column.name == (name if kind.has_a_column else "Average ⬆️")
    assert Choice(Kind.SIZE, main_column(THREE)).query(THREE) == ""


@pytest.mark.parametrize("query", ["chart=pie&of=nothing", "chart=&of=", "of=Model", "chart=size&chart=x"])
def test_unknown_values_in_an_address_fall_back(query: str) -> None:
    choice = read(page_request(query=query).query_params, THREE)
    assert choice == Choice(Kind.SIZE, main_column(THREE))


def test_groups_are_offered_too() -> None:
    rows = [replace(row(1.0, 2.0, 3.0), groups=(1.5,))]
    found = board(*rows, tasks=GROUPED)
    assert drawn(found, Kind.SIZE, "Reasoning").sentence == "1 model; the best is acme/tiny with 1.50."


def test_a_chart_is_made_once_until_the_board_changes() -> None:
    kept, choice = KeptCharts(), Choice(Kind.SIZE, main_column(THREE))
    first = kept.drawn(THREE, choice)
    assert kept.drawn(THREE, choice) is first
    other = board(*THREE.rows)
    assert kept.drawn(other, choice) is not first


def made_tab(leaderboard: Leaderboard) -> ChartsTab:
    import gradio as gr

    leaderboard.add_result(scores=scores(0.5, 0.25, 0.75))
    leaderboard.keeper.sync()
    with gr.Blocks():
        return ChartsTab(leaderboard.keeper)


def test_the_page_opens_with_the_chart_of_its_address(leaderboard: Leaderboard) -> None:
    tab = made_tab(leaderboard)
    opened = tab.open(page_request(query="tab=charts&chart=time&of=Agreement"))
    assert (opened[tab.kind]["value"], opened[tab.column]["value"]) == ("time", "Agreement")
    assert ("Average", "Average ⬆️") in opened[tab.column]["choices"]
    shown = tab.draw("time", "Agreement")
    assert 'data-query="chart=time&amp;of=Agreement"' in shown[tab.words]
    assert shown[tab.plot]["visible"]


@pytest.mark.parametrize("values", [(None, None), ("pie", "x" * 10_000), ("time", "<b>")])
def test_whatever_is_sent_as_a_choice_makes_a_chart(
    leaderboard: Leaderboard, values: tuple[str | None, str | None]
) -> None:
    tab = made_tab(leaderboard)
    assert tab.draw(*values)[tab.column]["value"] == "Average ⬆️"


def test_without_a_figure_the_plot_is_hidden(leaderboard: Leaderboard) -> None:
    tab = made_tab(leaderboard)
    shown = tab.draw("size", None)
    assert "none with a known size" in shown[tab.words]
    assert (shown[tab.plot]["visible"], shown[tab.plot]["value"]) == (False, None)


def test_until_the_results_are_read_the_tab_says_so(leaderboard: Leaderboard) -> None:
    import gradio as gr

    with gr.Blocks():
        tab = ChartsTab(leaderboard.keeper)
    assert NOT_READ in tab.draw("size", None)[tab.words]
    leaderboard.keeper.sync()
    assert NOT_READ not in tab.draw("size", None)[tab.words]


def test_a_task_chart_has_no_list_of_columns(leaderboard: Leaderboard) -> None:
    tab = made_tab(leaderboard)
    assert [tab.draw(str(kind), None)[tab.column]["visible"] for kind in Kind] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_the_start_of_the_space_does_not_import_plotly() -> None:
    program = "import app, src.page.page, src.page.plain.routes, sys; sys.exit('plotly' in sys.modules)"
    environment = {"PYTHONPATH": "frontend", "PATH": "", "GRADIO_ANALYTICS_ENABLED": "False"}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0


def test_a_row_of_any_name_is_in_the_table(leaderboard: Leaderboard) -> None:
    rows: list[Row] = [row(1.0, 2.0, model=name) for name in HOSTILE]
    found = board(*rows)
    page = Parsed(words(drawn(found, Kind.SIZE), Choice(Kind.SIZE, main_column(found)), found))
    text = "\n".join(page.texts)
    assert [name for name in HOSTILE if name not in text] == []

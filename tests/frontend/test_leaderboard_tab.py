"""The leaderboard's tab: new results wait for a click, and the address holds the view."""

import copy
import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import gradio as gr
import pytest

from src.columns import columns
from src.leaderboard.scoring import TaskColumn
from src.page.leaderboard_tab import UNSEEN, LeaderboardTab
from src.shared.data.backend_description import write_description
from src.shared.data.names import BACKEND_DESCRIPTION
from support.boards import TASKS, TEXTS, Leaderboard, run_at, scores
from support.factories import make_backend
from support.page_tabs import HOSTILE, fill, is_harmless

DEFAULT_COLUMNS = [
    column.name for column in columns([TaskColumn(task) for task in TASKS]) if column.is_default
]
RANGE = (None, None, False)
CHOSEN = ("", DEFAULT_COLUMNS, [], [], [], [], *RANGE, None, *RANGE, *RANGE, [], [], [], "", "", "")


@pytest.fixture
def tab(leaderboard: Leaderboard) -> Iterator[LeaderboardTab]:
    with gr.Blocks():
        yield LeaderboardTab(leaderboard.keeper, TASKS, TEXTS)


def test_an_empty_leaderboard_says_what_to_do(leaderboard: Leaderboard, tab: LeaderboardTab) -> None:
    leaderboard.keeper.sync()
    updates = tab.refresh(*CHOSEN)
    assert "Submit a model" in updates[tab.first_steps]
    assert str(leaderboard.results) in updates[tab.first_steps]
    assert updates[tab.whole].elem_classes == [UNSEEN]
    assert not updates[tab.until_read].active


def test_before_the_first_reading_the_page_says_that_it_reads_and_looks_again(tab: LeaderboardTab) -> None:
    updates = tab.refresh(*CHOSEN)
    assert "Reading" in updates[tab.first_steps]
    assert updates[tab.until_read].active


def test_new_results_are_told_and_shown_on_a_click(leaderboard: Leaderboard, tab: LeaderboardTab) -> None:
    fill(leaderboard)
    seen_board = tab.refresh(*CHOSEN)[tab.seen_board]
    leaderboard.add_result("acme/new", scores=scores(0.1, 0.1, 0.1))
    leaderboard.add_result("acme/new", run=run_at(1), scores=scores(0.2, 0.2, 0.2))
    leaderboard.keeper.sync()
    updates = tab.notice(seen_board, leaderboard.keeper.now)
    assert updates[tab.new_results].visible
    assert updates[tab.new_results].value == "2 new results · Show"
    assert tab.table not in updates
    updates = tab.refresh(*CHOSEN)
    assert len(updates[tab.table]["data"]) == 2
    assert not updates[tab.new_results].visible


def test_a_search_stays_on_the_board_that_the_visitor_looks_at(
    leaderboard: Leaderboard, tab: LeaderboardTab
) -> None:
    fill(leaderboard)
    seen_board = tab.refresh(*CHOSEN)[tab.seen_board]
    leaderboard.add_result("acme/new", scores=scores(0.1, 0.1, 0.1))
    leaderboard.keeper.sync()
    updates = tab.change_view(seen_board, "acme", *CHOSEN[1:])
    assert len(updates[tab.table]["data"]) == 1
    assert "1 model" in updates[tab.found]


def test_a_change_of_the_queue_alone_is_no_notice(leaderboard: Leaderboard, tab: LeaderboardTab) -> None:
    fill(leaderboard)
    seen_board = tab.refresh(*CHOSEN)[tab.seen_board]
    leaderboard.add_request(model="acme/waits")
    leaderboard.keeper.sync()
    assert not tab.notice(seen_board, leaderboard.keeper.now)[tab.new_results].visible


def test_what_was_found_out_about_models_is_no_notice(leaderboard: Leaderboard, tab: LeaderboardTab) -> None:
    fill(leaderboard)
    seen_board, now = tab.refresh(*CHOSEN)[tab.seen_board], leaderboard.keeper.now
    rows = tuple(replace(row, is_available=False) for row in now.board.standings.rows)
    checked = replace(now.board, standings=replace(now.board.standings, rows=rows))
    assert not tab.notice(seen_board, replace(now, board=checked))[tab.new_results].visible


def test_a_visitor_from_before_a_restart_is_offered_the_present_results(
    leaderboard: Leaderboard, tab: LeaderboardTab
) -> None:
    fill(leaderboard)
    assert (
        tab.notice(None, leaderboard.keeper.now)[tab.new_results].value
        == "The results may have changed · Show"
    )


def shown_in(tab: LeaderboardTab, updates: dict[Any, Any]) -> tuple[int, bool, bool]:
    """How many rows are shown, and which of the buttons `more` and `all`."""
    return len(updates[tab.table]["data"]), updates[tab.more].visible, updates[tab.all].visible


@pytest.fixture
def many(leaderboard: Leaderboard) -> Leaderboard:
    for number in range(250):
        leaderboard.add_result(f"acme/model-{number:03}", scores=scores(number / 1000, 0.5, 0.5))
    leaderboard.keeper.sync()
    return leaderboard


def test_a_hundred_rows_are_shown_then_more_then_all(many: Leaderboard, tab: LeaderboardTab) -> None:
    first = tab.refresh(*CHOSEN)
    assert shown_in(tab, first) == (100, True, True)
    assert first[tab.more].value == "Show 100 more"
    second = tab.show_more(None, *CHOSEN)
    assert shown_in(tab, second) == (200, True, False)
    assert second[tab.more].value == "Show 50 more"
    assert shown_in(tab, tab.show_more(None, *CHOSEN[:-1], second[tab.controls.rows])) == (250, False, False)
    assert shown_in(tab, tab.show_all(None, *CHOSEN)) == (250, False, False)
    assert "250 models" in second[tab.found]


def test_another_choice_starts_at_the_first_hundred_again(many: Leaderboard, tab: LeaderboardTab) -> None:
    updates = tab.change_view(None, "acme", *CHOSEN[1:-1], "all")
    assert shown_in(tab, updates) == (100, True, True)
    assert updates[tab.controls.rows] == "100"


def test_the_view_in_the_address_is_opened_with_its_controls(many: Leaderboard, tab: LeaderboardTab) -> None:
    query = "q=model&sort=Addition&worst_first=yes&show=Type&rows=200&without=nothing"
    updates = tab.go_to(None, f"?{query}&tab=about&unknown=1")
    assert len(updates[tab.table]["data"]) == 200
    assert "acme/model-000" in updates[tab.table]["data"][0][2]
    assert updates[tab.controls.search]["value"] == "model"
    assert updates[tab.controls.sort]["value"] == "-Addition"
    assert "Type" in updates[tab.controls.columns]["value"]
    marker = str(updates[tab.marker])
    assert 'data-sorted="Addition" data-direction="ascending"' in marker
    [written] = re.findall('data-query="([^"]*)"', marker)
    assert sorted(parse_qsl(html.unescape(written))) == sorted(parse_qsl(query))


def test_a_header_says_what_its_column_means(leaderboard: Leaderboard, tab: LeaderboardTab) -> None:
    leaderboard.add_result(scores=scores(0.5))
    leaderboard.write("results", BACKEND_DESCRIPTION, write_description(make_backend()))
    leaderboard.keeper.sync()
    marker = str(tab.refresh(*CHOSEN)[tab.marker])
    [written] = re.findall('data-titles="([^"]*)"', marker)
    titles = json.loads(html.unescape(written))
    assert titles["Addition"].splitlines()[0] == "Metric: acc, higher is better"
    assert set(titles) >= {"Addition", "Agreement", "Copying"}


@pytest.mark.parametrize("name", [HOSTILE, '"><img src=x onerror=alert(1)>'])
def test_what_an_address_says_reaches_the_page_only_as_text(
    many: Leaderboard, tab: LeaderboardTab, name: str
) -> None:
    updates = tab.go_to(None, urlencode({"q": name, "sort": name, "show": name, "type": name}))
    assert is_harmless(updates[tab.marker])


def test_below_the_table_are_links_to_the_same_view_as_files(
    leaderboard: Leaderboard, tab: LeaderboardTab
) -> None:
    fill(leaderboard)
    query = urlencode({"q": 'a"b', "sort": "Copying"})
    shown = tab.go_to(None, query)[tab.notes]
    for path in ("table.csv", "leaderboard", "table"):
        assert f'href="{path}?q=a%22b&amp;sort=Copying"' in shown


def test_what_a_board_shows_at_first_is_made_once_for_all_visitors(
    leaderboard: Leaderboard, tab: LeaderboardTab
) -> None:
    leaderboard.add_result(scores=scores(0.5))
    leaderboard.keeper.sync()
    chosen = [control.value for control in tab.choices]
    first = tab.refresh(*chosen)[tab.table]
    assert tab.refresh(*chosen)[tab.table] is first
    assert copy.deepcopy(first.as_json) is first.as_json
    assert tab.refresh("nothing", *chosen[1:])[tab.table] is not first
    leaderboard.add_result("acme/new", scores=scores(0.5))
    leaderboard.keeper.sync()
    assert len(tab.refresh(*chosen)[tab.table]["data"]) == 2

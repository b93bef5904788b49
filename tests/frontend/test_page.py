"""The page: it can be built on anything, begins with one queued event, and its banner tells what is wrong."""

from typing import Any

import pytest

from src.board.board import Board, Now
from src.page import api, notices
from src.shared.version import FOOT
from src.submitting.form import Refused
from support.boards import NOW, Leaderboard
from support.page_tabs import HOSTILE, fill, is_harmless


def unread(leaderboard: Leaderboard) -> None:
    leaderboard.add_result()


def empty(leaderboard: Leaderboard) -> None:
    leaderboard.keeper.sync()


@pytest.mark.parametrize("prepare", [unread, empty, fill])
def test_the_page_can_be_built_before_anything_is_read_on_nothing_and_on_results(
    leaderboard: Leaderboard, prepare: Any
) -> None:
    prepare(leaderboard)
    page = leaderboard.page(notice="Local data.")
    config = str(page.config)
    for text in ("🏅 LLM Benchmark", "📝 About", "🚀 Submit here!", "An introduction.", "@misc{it}", FOOT):
        assert text in config
    assert page.title == "The board"


def test_hostile_texts_stay_text_in_notices() -> None:
    now = Now(Board(broken=(HOSTILE,)), NOW, problem=HOSTILE)
    answer = notices.answer(api.refusal(Refused(HOSTILE, request=HOSTILE)))
    assert is_harmless(notices.banner(now, notice=HOSTILE) + answer + notices.first_steps(now, HOSTILE))


def test_the_banner_is_empty_while_all_is_well_and_tells_what_is_not() -> None:
    assert notices.banner(Now(synced=NOW), notice="") == ""
    broken = notices.banner(Now(Board(broken=("a.json was skipped: it is empty.",)), NOW), notice="")
    assert "1 file was skipped" in broken
    assert "a.json was skipped: it is empty." in broken
    unreachable = notices.banner(Now(synced=NOW, problem="acme/requests cannot be reached."), notice="")
    assert "cannot be reached. The page shows the data of 2026-02-01 12:00 UTC." in unreachable
    many = notices.banner(Now(Board(broken=("x",) * 30), NOW), notice="")
    assert "30 files were skipped" in many
    assert "and 10 more" in many


def test_the_banner_tells_the_owner_where_the_two_sides_do_not_agree() -> None:
    shown = notices.banner(Now(Board(differences=(HOSTILE, "Add <it>.")), NOW), notice="")
    assert "the backend and src/about.py do not agree" in shown
    assert "Add &lt;it&gt;." in shown
    assert is_harmless(shown)


def test_a_page_begins_with_one_queued_event_since_answers_of_a_second_may_be_lost(
    leaderboard: Leaderboard,
) -> None:
    page = leaderboard.page()
    begins = [
        function
        for function in page.fns.values()
        if function.fn and any(trigger == "load" for _, trigger in function.targets)
    ]
    assert [function.api_name for function in begins if function.queue] == ["open"]


def test_what_waits_for_nobody_is_not_queued_since_a_queued_answer_may_be_lost(
    leaderboard: Leaderboard,
) -> None:
    functions = [
        function
        for function in leaderboard.page().fns.values()
        if function.fn and any(trigger in ("input", "click", "tick") for _, trigger in function.targets)
    ]
    waiting_for_the_hub = {"act", "check"}
    assert {str(function.api_name) for function in functions if function.queue} == waiting_for_the_hub
    assert {"change_view"} <= {str(function.api_name) for function in functions}

"""Models that the owner flagged stay in the table, with a note that says why, and can be hidden."""

import pytest

from src.board.keeper import Keeper
from src.leaderboard.filters import FLAGGED
from src.leaderboard.flags import read_flags
from src.leaderboard.view import ViewState, view
from src.page import marks
from src.page.api import leaderboard as answer
from src.page.table import contents
from src.shared.data.names import FLAGS
from src.shared.errors import BadFile
from support.boards import TASKS, Leaderboard, scores

FILE = b"models:\n- Acme/Leaky: it was trained on the <b>test</b> questions\n- 'copies/*'\n"


def synced(leaderboard: Leaderboard) -> Keeper:
    keeper = Keeper(leaderboard.requests, leaderboard.results, TASKS)
    keeper.sync()
    return keeper


@pytest.fixture
def keeper(leaderboard: Leaderboard) -> Keeper:
    for number, model in enumerate(("acme/leaky", "acme/honest", "copies/one")):
        leaderboard.add_result(model, scores=scores(0.9 - number / 10, 0.5, 0.5))
    leaderboard.write("requests", FLAGS, FILE)
    return synced(leaderboard)


def test_a_flagged_model_keeps_its_rank_and_has_a_reason(keeper: Keeper) -> None:
    found = [(row.rank, row.model, row.flag) for row in keeper.now.board.standings.rows]
    assert found == [
        (1, "acme/leaky", "it was trained on the <b>test</b> questions"),
        (2, "acme/honest", None),
        (3, "copies/one", ""),
    ]


def test_the_note_below_the_table_says_why_and_is_escaped(keeper: Keeper) -> None:
    table = view(keeper.now.board.standings, ViewState(filters={}))
    numbered = marks.numbered(table)
    notes = marks.notes(table, numbered)
    assert "Flagged: it was trained on the &lt;b&gt;test&lt;/b&gt; questions" in notes
    assert "Flagged." in notes
    names = [line[2] for line in contents(table, (), numbered)["data"]]  # type: ignore[index]
    assert [name[-1] for name in names] == ["¹", ">", "²"]


def test_programs_read_the_reason(keeper: Keeper) -> None:
    reasons = [(each["row"], each["header"], each["reason"]) for each in answer(keeper.now.board)["marks"]]
    assert (2, "Model", "Flagged.") in reasons


def test_flagged_models_can_be_hidden(keeper: Keeper) -> None:
    table = view(keeper.now.board.standings, ViewState(filters={"without": {FLAGGED}}))
    assert [row.model for row in table.rows] == ["acme/honest"]


def test_a_change_of_the_file_is_followed(keeper: Keeper, leaderboard: Leaderboard) -> None:
    leaderboard.write("requests", FLAGS, b"models: [acme/honest]")
    keeper.sync()
    assert {row.model: row.flag for row in keeper.now.board.standings.rows} == {
        "acme/leaky": None,
        "acme/honest": "",
        "copies/one": None,
    }


def test_a_file_that_cannot_be_read_flags_nobody_and_is_reported_to_the_owner(
    leaderboard: Leaderboard,
) -> None:
    leaderboard.add_result("acme/leaky", scores=scores(0.9))
    leaderboard.write("requests", FLAGS, b"flagged: [acme/leaky]")
    board = synced(leaderboard).now.board
    assert board.standings.rows[0].flag is None
    [sentence] = board.broken
    assert FLAGS in sentence and "it may hold only `models:`" in sentence


@pytest.mark.parametrize("data", [b"- acme/a", b"models: [[acme/a]]", b"models:\n- '': x"])
def test_what_cannot_be_meant_is_refused(data: bytes) -> None:
    with pytest.raises(BadFile):
        read_flags(data)


@pytest.mark.parametrize("data", [b"", b"# nothing yet\n", b"models:\n"])
def test_an_empty_file_flags_nobody(data: bytes) -> None:
    assert read_flags(data) == {}

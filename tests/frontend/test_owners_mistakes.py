"""An owner's own column or check that fails spoils nothing else, and the owner is told."""

import json

import pytest

from src import checks, columns
from src.checks import Check
from src.columns import AFTER_TASKS, Column
from src.leaderboard.rows import Row
from src.leaderboard.view import ViewState, view
from src.page import notices
from src.page.api import leaderboard as answer
from src.page.table import contents
from src.submitting.checking import problems
from support.boards import Leaderboard, scores
from support.cases import make_case


def of_the_second(row: Row) -> str:
    return {"acme/two": "two"}[row.model]


FAILING = [
    Column("Mine", of_the_second, is_default=True),
    Column("Mine", lambda row: row.model[5:] if row.model == "acme/two" else ["one"], is_default=True),  # type: ignore[arg-type, return-value]
    Column("Mine", lambda row: row.model[5:], lambda text: {"two": "two"}[text], is_default=True),
    Column("Mine", of_the_second, is_default=True, is_text=True, instead=lambda row: 1 / 0),  # type: ignore[arg-type, return-value]
    Column("Mine", lambda row: "two" if row.model == "acme/two" else 10**400, is_default=True),
    Column("Mine", lambda row: "two" if row.model == "acme/two" else "\ud800", is_default=True),
]


@pytest.mark.parametrize("column", FAILING)
def test_a_column_that_fails_leaves_one_cell_empty_and_the_owner_is_told(
    leaderboard: Leaderboard,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    column: Column,
) -> None:
    monkeypatch.setattr(columns, "AFTER_TASKS", [*AFTER_TASKS, column])
    monkeypatch.setattr("src.board.making.AFTER_TASKS", [*AFTER_TASKS, column])
    for name in ("one", "two"):
        leaderboard.add_result(f"acme/{name}", scores=scores(0.5))
        leaderboard.add_request(model=f"acme/{name}")
    leaderboard.keeper.sync()
    board = leaderboard.keeper.now.board
    told = answer(board)
    assert told["headers"][-1] == "Mine"
    assert {(row[2], row[-1]) for row in json.loads(json.dumps(told["rows"]))} >= {("acme/two", "two")}
    assert len(told["rows"]) == 2
    table = view(board.standings, ViewState())
    assert [line.cells[-1].text for line in table.lines if line.row.model == "acme/two"] == ["two"]
    assert [line.cells[-1].text for line in table.lines if line.row.model == "acme/one"] == [""]
    assert len(contents(table, frozenset())["data"]) == 2  # type: ignore[arg-type]
    [sentence] = board.failing_columns
    assert sentence.startswith("The column 'Mine' fails with ")
    assert "The column &#39;Mine&#39; fails" in notices.banner(leaderboard.keeper.now, notice="")
    assert caplog.text.count("Traceback") == 1
    leaderboard.add_request(model="acme/three")
    leaderboard.keeper.sync()
    assert caplog.text.count("Traceback") == 1


def test_columns_that_fail_nowhere_are_not_told(leaderboard: Leaderboard) -> None:
    leaderboard.add_result("acme/one", scores=scores(0.5))
    leaderboard.keeper.sync()
    assert leaderboard.keeper.now.board.failing_columns == ()


def is_ours(case: object) -> None:
    raise KeyError("a bug of the owner's")


@pytest.mark.parametrize("place", [0, -1])
def test_nothing_passes_a_check_that_fails_and_its_submitter_hears_whom_to_tell(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, place: int
) -> None:
    ours: list[Check] = [*checks.CHECKS]
    ours.insert(place if place >= 0 else len(ours), is_ours)
    monkeypatch.setattr(checks, "CHECKS", ours)
    [problem] = problems(make_case())
    assert str(problem) == (
        "The check is_ours of this leaderboard failed, so we do not know whether 'acme/tiny' may be "
        "submitted. The leaderboard's owner must fix the check. The Space's log shows what is wrong."
    )
    assert 'KeyError: "a bug of the owner\'s"' in caplog.text

"""Workers that are killed while they have endpoints: none is left, and each result is published once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from src.shared.data.request import Status
from support.boards_on_endpoints import Board
from support.endpoint_worker import STEPS
from support.hub import running_hub
from support.hub.endpoints import Trouble
from support.hub.routes.control import writes

BOARD = hashlib.sha256(b"acme/requests").hexdigest()[:8]
OF_OTHERS = (
    "by-hand",
    "lb-00000000-0123456789abcdef",
    f"lb-{BOARD}-by-hand",
    f"lb-{BOARD}-0123456789abcdef-2",
)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    """A leaderboard with three requests, beside endpoints of others in the same account."""
    with running_hub() as hub:
        hub.endpoints.pretends = True
        for name in OF_OTHERS:
            hub.endpoints.add("acme", name)
        board = Board(hub, tmp_path)
        for number in range(3):
            board.submit(f"acme/model-{number}")
        yield board


def is_all_right(board: Board) -> None:
    """Every request is finished once, only others' endpoints are left, all money is accounted for."""
    assert [each.status for each in board.requests().values()] == [Status.FINISHED] * 3
    assert len(board.results()) == 3
    commits = writes(board.hub, "dataset", "acme/results")
    assert [commits[path] for path in board.results()] == [1] * 3
    ours = [each for each in board.hub.endpoints.all if each.name not in OF_OTHERS]
    assert {each.name for each in board.hub.endpoints.of("acme")} == set(OF_OTHERS)
    assert len(ours) >= 3
    assert sum(each.dollars for each in ours) <= board.spent()


def test_a_worker_that_is_not_killed_leaves_no_endpoint(board: Board) -> None:
    board.run()

    is_all_right(board)


@pytest.mark.slow
@pytest.mark.parametrize("successor", ["one", "another"])
@pytest.mark.parametrize("after", [1, 2, 3])
@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_is_killed_leaves_no_endpoint(
    board: Board, step: str, after: int, successor: str
) -> None:
    """`successor` is who goes on: the same worker again, or another one once the lease has run out."""
    if step == "waiting":
        board.hub.endpoints.trouble_next(Trouble.SOLD_OUT)
    board.run("--die-at", step, "--after", str(after), dies=True)
    board.run(worker=successor)

    is_all_right(board)

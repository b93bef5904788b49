"""What follows from a board is made once, whoever asks, and not kept longer than the board."""

import threading
from dataclasses import replace

import pytest

from src.board.board import Board
from src.leaderboard.derived import Derived
from src.page.recent_boards import MOST, RecentBoards
from src.queue.entries import entries
from src.submitting.submitter import ANONYMOUS, Submitter
from support.factories import make_request


def test_several_who_ask_at_once_have_it_made_once() -> None:
    derived, made = Derived(), []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        derived.once("it", lambda: made.append(1))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert made == [1]


def test_what_could_not_be_made_is_tried_again() -> None:
    derived = Derived()
    with pytest.raises(ZeroDivisionError):
        derived.once("it", lambda: 1 // 0)
    assert derived.once("it", lambda: 5) == 5


def test_a_changed_board_derives_its_own() -> None:
    board = Board()
    board.derived.once("it", lambda: "old")
    changed = replace(board, broken=("x",))
    assert changed.derived.once("it", lambda: "new") == "new"
    assert replace(board) == board


def test_the_requests_of_a_board_are_found_by_path_and_by_login() -> None:
    requests = {
        "a.json": make_request(submitted_by="Alice", submitted_time="2026-01-01T00:00:00Z"),
        "b.json": make_request(submitted_by="alice", submitted_time="2026-01-02T00:00:00Z"),
        "c.json": make_request(submitted_by="bob"),
        "d.json": make_request(submitted_by=None),
        "e.json": make_request(submitted_by=""),
    }
    board = Board(queue=entries(requests))
    assert dict(board.requests) == requests
    assert board.entries["c.json"].request.submitted_by == "bob"
    assert [entry.path for entry in board.entries_of(Submitter("ALICE"))] == ["b.json", "a.json"]
    assert [
        *board.entries_of(ANONYMOUS),
        *board.entries_of(Submitter("")),
        *board.entries_of(Submitter("x")),
    ] == []


def test_of_the_boards_that_visitors_look_at_the_latest_are_kept() -> None:
    recent = RecentBoards()
    boards = [Board(results=frozenset({(f"{number}.json", "id")})) for number in range(MOST + 2)]
    numbers = [recent.number(board) for board in boards]
    assert len(set(numbers)) == len(boards)
    assert [recent.board(number) for number in numbers] == [None, None, *boards[2:]]
    assert recent.board(None) is None


def test_boards_with_the_same_results_are_one() -> None:
    recent = RecentBoards()
    first = Board(results=frozenset({("1.json", "id")}))
    second = replace(first, broken=("x",))
    assert recent.number(first) == recent.number(second)
    assert recent.board(recent.number(second)) is second

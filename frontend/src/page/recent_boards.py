"""The latest boards, for visitors who still see an older one: a few, however many visitors there are."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from src.board.board import Board

MOST = 10
"""The most boards that are kept. Each holds all rows, and a visitor needs one only until the next click."""


class RecentBoards:
    """Keeps the latest boards by number, so that a visitor's session holds only a number."""

    def __init__(self) -> None:
        self._boards: OrderedDict[int, Board] = OrderedDict()
        self._number = 0
        self._lock = Lock()

    def number(self, board: Board) -> int:
        """Return the number of a board that is shown; of several with the same results the last is kept."""
        with self._lock:
            last = self._boards.get(self._number)
            if last is None or last.results != board.results:
                self._number += 1
            self._boards[self._number] = board
            while len(self._boards) > MOST:
                self._boards.popitem(last=False)
            return self._number

    def board(self, number: int | None) -> Board | None:
        """Return the board of a number; None for one from before a restart, or that is long gone."""
        return self._boards.get(number) if number else None

"""The tab "🏅 LLM Benchmark": the table, its search, filters and columns, and the notice of new results."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any, NamedTuple

import gradio as gr
from markupsafe import Markup

from src.board.board import Board, Now, new_results
from src.board.keeper import Keeper
from src.columns import columns
from src.leaderboard.scoring import TaskColumn
from src.leaderboard.search import LONGEST, read_search
from src.leaderboard.view import ViewState, view
from src.page import marks, notices
from src.page.filter_controls import FilterControls
from src.page.recent_boards import RecentBoards
from src.page.table import Contents, contents, leaderboard_table
from src.page.texts import Texts
from src.page.updates import AT_ONCE, Updates
from src.tasks import Task

UNSEEN = "unseen"
"""The CSS class of what is hidden but loaded: the browser fetches the component's scripts while the server
makes the table. Gradio's own `visible="hidden"` does not hide a column.
"""


class LeaderboardTab:
    """The tab's components and their events. Make it inside the tab.

    `seen_board` is the number of the board that a visitor sees. It changes only when the visitor asks for new
    results. `until_read` ticks until the datasets have been read for the first time.
    """

    def __init__(self, keeper: Keeper, tasks: Sequence[Task], texts: Texts) -> None:
        self._keeper = keeper
        self._opened: _Seen | None = None
        self._opening = Lock()
        self._recent_boards = RecentBoards()
        self.filters = FilterControls()
        self.seen_board = gr.State()
        self.until_read = gr.Timer(1.0, active=False)
        self.new_results = gr.Button(visible=False, variant="primary", size="sm", elem_id="new-results")
        self.first_steps = gr.HTML(padding=False)
        with gr.Column(elem_classes=[UNSEEN]) as self.whole:
            self._controls(tasks)
            with gr.Column(elem_id="leaderboard"):
                self.table = leaderboard_table(tasks)
            self.notes = gr.HTML(padding=False, elem_id="notes")
        if texts.citation.strip():
            _citation(texts)

    def _controls(self, tasks: Sequence[Task]) -> None:
        with gr.Row():
            self.search = gr.Textbox(
                "",
                label="Search",
                placeholder="Models or licences, separated by ;",
                max_length=LONGEST,
                scale=3,
                min_width=300,
            )
            self.filters.place(is_rare=False)
        with gr.Accordion("Sizes, hiding and columns", open=False):
            self._rarer_controls(tasks)
        self.found = gr.HTML(padding=False)

    def _rarer_controls(self, tasks: Sequence[Task]) -> None:
        with gr.Row():
            self.filters.place(is_rare=True)
        offered = [column for column in columns([TaskColumn(task) for task in tasks]) if not column.is_fixed]
        self.columns = gr.CheckboxGroup(
            [column.name for column in offered],
            value=[column.name for column in offered if column.is_default],
            label="Columns",
        )

    @property
    def choices(self) -> list[Any]:
        """The controls, in the order in which the functions below take their values."""
        return [self.search, self.columns, *self.filters.components]

    @property
    def shown(self) -> list[Any]:
        """The components that a new view changes."""
        return [self.table, self.found, self.notes]

    @property
    def outputs(self) -> list[Any]:
        """All that can change."""
        return [
            *self.shown,
            self.seen_board,
            self.until_read,
            self.new_results,
            self.first_steps,
            self.whole,
            *self.filters.with_choices,
        ]

    def listen(self, page: gr.Blocks) -> None:
        """Connect the controls and the notice."""
        page.load(None, None, None, js=marks.SCRIPT.read_text(encoding="utf-8"), show_api=False)
        gr.on(
            [control.input for control in self.choices],
            self.change_view,
            [self.seen_board, *self.choices],
            self.shown,
            trigger_mode="always_last",
            **AT_ONCE,
        )
        gr.on(
            [self.new_results.click, self.until_read.tick],
            self.refresh,
            self.choices,
            self.outputs,
            **AT_ONCE,
        )

    def refresh(self, *chosen: Any) -> Updates:
        """Show the present board under the present choices."""
        now = self._keeper.now
        rows = now.board.standings.rows
        updates = self._view(now.board, chosen) | {
            self.seen_board: self._recent_boards.number(now.board),
            self.until_read: gr.Timer(active=not now.synced),
            self.new_results: gr.Button(visible=False),
            self.first_steps: "" if rows else notices.first_steps(now, str(self._keeper.results)),
            self.whole: gr.Column(elem_classes=[] if rows else [UNSEEN]),
        }
        return updates | self.filters.offered(now.board)

    def change_view(self, seen_board: int | None, *chosen: Any) -> Updates:
        """Show the board that the visitor sees under other choices."""
        return self._view(self._recent_boards.board(seen_board) or self._keeper.now.board, chosen)

    def notice(self, seen_board: int | None, now: Now) -> Updates:
        """Offer new results; the table stays. After a restart we do not know what a visitor sees."""
        board = self._recent_boards.board(seen_board)
        if board and board.results == now.board.results:
            return {self.new_results: gr.Button(visible=False)}
        number = new_results(board, now.board) if board else 0
        return {self.new_results: gr.Button(notices.new_results_label(number), visible=True)}

    def _view(self, board: Board, chosen: Sequence[Any]) -> Updates:
        state = self._state(chosen)
        seen = self._seen(board, state)
        left_out = read_search(state.search).left_out
        return {
            self.table: seen.table,
            self.found: notices.found(seen.number, len(board.standings.rows), left_out),
            self.notes: seen.notes,
        }

    def _state(self, chosen: Sequence[Any]) -> ViewState:
        """Return what a visitor chose, from the values of the controls."""
        search, names, *values = chosen
        return ViewState(frozenset(names), search, self.filters.chosen(values))

    def _seen(self, board: Board, state: ViewState) -> _Seen:
        """Return what a visitor sees. The present board with default choices is made once
        for all visitors.
        """
        if board is not self._keeper.now.board or state != self._state([each.value for each in self.choices]):
            return _contents(board, state)
        with self._opening:
            if self._opened is None or self._opened.board is not board:
                self._opened = _contents(board, state)
            return self._opened


class _Seen(NamedTuple):
    """What a visitor sees of a board: the table, its number of rows, and the notes below it."""

    board: Board
    table: Contents
    number: int
    notes: Markup


def _contents(board: Board, state: ViewState) -> _Seen:
    table = view(board.standings, state)
    found = marks.numbered(table)
    made = contents(table, board.local_models, found)
    _ = made.as_json  # made here, in a thread, so that nobody else waits for it
    return _Seen(board, made, len(table.rows), marks.notes(found))


def _citation(texts: Texts) -> None:
    with gr.Accordion("📙 Citation", open=False):
        gr.Textbox(
            texts.citation.strip(),
            label=texts.citation_label,
            lines=min(20, texts.citation.count("\n") + 1),
            show_copy_button=True,
            elem_id="citation",
        )

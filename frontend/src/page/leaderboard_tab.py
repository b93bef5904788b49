"""The tab "🏅 LLM Benchmark": the table under a visitor's view, its links, and the notice of new results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import gradio as gr
from gradio.events import Dependency
from huggingface_hub import constants
from markupsafe import Markup

from src.board.board import Board, Now, new_results
from src.board.keeper import Keeper
from src.leaderboard import address
from src.leaderboard.active import active, cleared
from src.leaderboard.search import read_search
from src.leaderboard.view import PAGE, ViewState, view
from src.page import marks, notices
from src.page.recent_boards import RecentBoards
from src.page.suite import header_titles
from src.page.table import Contents, contents, has_bars, leaderboard_table, new_since
from src.page.texts import Texts
from src.page.updates import AT_ONCE, Updates
from src.page.view_controls import ViewControls
from src.shared.times import utc_now
from src.tasks import Task

SCRIPT = Path(__file__).with_name("table.js")

KEEP_BARS = """(on) => {
    document.querySelector("#leaderboard").classList.toggle("without-bars", !on);
    try { localStorage.setItem("bars", on ? "on" : "off"); } catch {}
}"""
RESTORE_BARS = """() => {
    try { return localStorage.getItem("bars") !== "off"; } catch { return true; }
}"""
"""Whether there are bars is a matter of taste, so the browser remembers it and links do not. In the Hub's
frame it may refuse to remember anything, if it blocks the cookies of other hosts.
"""

UNSEEN = "unseen"
"""The CSS class of what is hidden but loaded: the browser fetches the component's scripts while the server
makes the table. Gradio's own `visible="hidden"` does not hide a column.
"""


class LeaderboardTab:
    """The tab's components and their events. Make it inside the tab.

    `seen_board` is the number of the board that a visitor sees. It changes only when the visitor asks for new
    results. `until_read` ticks until the datasets have been read for the first time. `num_fewshot` is the
    setting in about.py, `space` the Space that shows the page, if there is one.
    """

    def __init__(
        self,
        keeper: Keeper,
        tasks: Sequence[Task],
        texts: Texts,
        *,
        num_fewshot: int | None = None,
        space: str | None = None,
    ) -> None:
        self._keeper = keeper
        self._num_fewshot = num_fewshot
        self._space = space
        self._opened: _Seen | None = None
        self._opening = Lock()
        self._recent_boards = RecentBoards()
        self.seen_board = gr.State()
        self.until_read = gr.Timer(1.0, active=False)
        self.new_results = gr.Button(visible=False, variant="primary", size="sm", elem_id="new-results")
        self.first_steps = gr.HTML(padding=False)
        with gr.Column(elem_classes=[UNSEEN]) as self.whole:
            self.controls = ViewControls(tasks)
            self.active = gr.HTML(padding=False, elem_id="active")
            with gr.Row(elem_id="above-the-table"):
                self.found = gr.HTML(padding=False)
                self.controls.place_scores()
                bars = gr.Checkbox(
                    True, label="Bars", container=False, scale=0, min_width=80, elem_id="with-bars"
                )
                gr.Button("⚖️ Compare", size="sm", elem_id="compare-models", scale=0, min_width=110)
                gr.Button("🔗 Copy link", size="sm", elem_id="copy-link", scale=0, min_width=120)
            with gr.Column(elem_id="leaderboard"):
                self.table = leaderboard_table(tasks)
            with gr.Row(elem_id="more"):
                self.more = gr.Button(visible=False, size="sm", scale=0, min_width=140)
                self.all = gr.Button(visible=False, size="sm", scale=0, min_width=140)
            self.notes = gr.HTML(padding=False, elem_id="notes")
            self.address = gr.Textbox("", visible="hidden", elem_id="address", label="The view's address")
            self.marker = gr.HTML(padding=False, elem_id="view")
        self.catch_up = gr.Textbox("", visible="hidden", elem_id="catch-up", label="The server is back")
        bars.change(None, bars, None, js=KEEP_BARS, show_api=False)
        self._bars = bars
        if texts.citation.strip():
            _citation(texts)

    @property
    def choices(self) -> list[Any]:
        """The controls, in the order in which the functions below take their values."""
        return self.controls.components

    @property
    def shown(self) -> list[Any]:
        """The components that a new view changes."""
        return [self.table, self.active, self.found, self.notes, self.marker, self.more, self.all]

    @property
    def outputs(self) -> list[Any]:
        """All that a new board changes."""
        return [
            *self.shown,
            self.seen_board,
            self.until_read,
            self.new_results,
            self.first_steps,
            self.whole,
            *self.controls.filters.with_choices,
        ]

    @property
    def outputs_of_opening(self) -> list[Any]:
        """All that can change when the page opens."""
        return list(dict.fromkeys([*self.outputs, *self.choices]))

    def listen(self, page: gr.Blocks) -> Dependency:
        """Connect the controls and the notice. Returns the event of a page whose server is back."""
        page.load(None, None, None, js=SCRIPT.read_text(encoding="utf-8"), show_api=False)
        page.load(None, None, self._bars, js=RESTORE_BARS, show_api=False)
        inputs, outputs = [self.seen_board, *self.choices], [*self.shown, self.controls.rows]
        gr.on(
            [control.input for control in self.controls.used],
            self.change_view,
            inputs,
            outputs,
            trigger_mode="always_last",
            **AT_ONCE,
        )
        self.more.click(self.show_more, inputs, outputs, **AT_ONCE)
        self.all.click(self.show_all, inputs, outputs, **AT_ONCE)
        self.address.input(
            self.go_to,
            [self.seen_board, self.address],
            [*self.shown, *self.choices],
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
        return self.catch_up.input(self.refresh, self.choices, self.outputs, **AT_ONCE)

    def open(self, request: gr.Request) -> Updates:
        """Show the present board under the choices in the page's address."""
        state = self._read(str(request.query_params))
        updates = self._refreshed(state)
        for part, value in self._values(state).items():  # a list's update has its choices already
            updates[part] = {**updates.get(part, {}), **value}
        return updates

    def refresh(self, *chosen: Any) -> Updates:
        """Show the present board under the present choices."""
        return self._refreshed(self.controls.state(chosen))

    def change_view(self, seen_board: int | None, *chosen: Any) -> Updates:
        """Show the beginning of the board that the visitor sees, under other choices."""
        return self._of_a_size(PAGE, seen_board, chosen)

    def show_more(self, seen_board: int | None, *chosen: Any) -> Updates:
        """Show more rows of the same."""
        size = self.controls.state(chosen).size
        return self._of_a_size(None if size is None else size + PAGE, seen_board, chosen)

    def show_all(self, seen_board: int | None, *chosen: Any) -> Updates:
        """Show all rows of the same."""
        return self._of_a_size(None, seen_board, chosen)

    def go_to(self, seen_board: int | None, query: str) -> Updates:
        """Show the view of another address: the visitor went back or forward."""
        state = self._read(query)
        return {**self._values(state), **self._view(self._board(seen_board), state)}

    def notice(self, seen_board: int | None, now: Now) -> Updates:
        """Offer new results; the table stays. After a restart we do not know what a visitor sees."""
        board = self._recent_boards.board(seen_board)
        if board and board.results == now.board.results:
            return {self.new_results: gr.Button(visible=False)}
        number = new_results(board, now.board) if board else 0
        return {self.new_results: gr.Button(notices.new_results_label(number), visible=True)}

    def _refreshed(self, state: ViewState) -> Updates:
        now = self._keeper.now
        rows = now.board.standings.rows
        updates = self._view(now.board, state) | {
            self.seen_board: self._recent_boards.number(now.board),
            self.until_read: gr.Timer(active=not now.synced),
            self.new_results: gr.Button(visible=False),
            self.first_steps: "" if rows else notices.first_steps(now, str(self._keeper.results)),
            self.whole: gr.Column(elem_classes=[] if rows else [UNSEEN]),
        }
        return updates | self.controls.filters.offered(now.board)

    def _of_a_size(self, size: int | None, seen_board: int | None, chosen: Sequence[Any]) -> Updates:
        state = replace(self.controls.state(chosen), size=size)
        rows = self.controls.values(state)[self.controls.rows]
        return {self.controls.rows: rows} | self._view(self._board(seen_board), state)

    def _board(self, seen: int | None) -> Board:
        return self._recent_boards.board(seen) or self._keeper.now.board

    def _read(self, query: str) -> ViewState:
        return address.state(query, self.controls.offered)

    def _values(self, state: ViewState) -> dict[Any, dict[str, Any]]:
        """Set the controls, and leave the rest of each as it is."""
        return {part: gr.update(value=value) for part, value in self.controls.values(state).items()}

    def _view(self, board: Board, state: ViewState) -> Updates:
        seen = self._seen(board, state)
        left = seen.found - seen.number
        query = address.query(state, self.controls.offered)
        return {
            self.table: seen.table,
            self.found: notices.found(
                seen.found, len(board.standings.rows), read_search(state.search).left_out
            ),
            self.active: self._active(board, state, seen),
            self.notes: seen.notes + notices.elsewhere(query),
            self.marker: self._marker(board, seen, query),
            self.more: gr.Button(f"Show {min(left, PAGE)} more", visible=left > 0),
            self.all: gr.Button(f"Show all {seen.found:,}", visible=left > PAGE),
        }

    def _active(self, board: Board, state: ViewState, seen: _Seen) -> Markup:
        parts = active(board.standings, state, found=seen.found)
        return notices.active(
            [notices.Chip(part.label, self._query(part.without), part.found) for part in parts],
            cleared=self._query(cleared(state)),
            is_empty=not seen.found,
        )

    def _query(self, state: ViewState) -> str:
        return address.query(replace(state, size=PAGE), self.controls.offered)

    def _marker(self, board: Board, seen: _Seen, query: str) -> Markup:
        """Tell the script what it cannot see: the order, which columns have bars, and the view's address."""
        return Markup(
            '<div hidden data-sorted="{}" data-direction="{}" data-bars="{}" data-query="{}" data-keys="{}" '
            'data-space="{}" data-titles="{}"></div>'
        ).format(
            seen.sorted_by,
            "descending" if seen.is_descending else "ascending",
            seen.bars,
            query,
            " ".join(sorted(address.KEYS)),
            f"{constants.ENDPOINT}/spaces/{self._space}" if self._space else "",
            self._titles(board),
        )

    def _titles(self, board: Board) -> str:
        """Return what stands under the pointer at each header, as JSON."""

        def made() -> str:
            columns = board.standings.tasks
            return json.dumps(header_titles(columns, board.backend, num_fewshot=self._num_fewshot))

        return board.derived.once("header titles", made)

    def _seen(self, board: Board, state: ViewState) -> _Seen:
        """Return what a visitor sees. The present board with default choices is made once
        for all visitors.
        """
        today = utc_now().date()
        if board is not self._keeper.now.board or state != self.controls.opening:
            return _contents(board, state, today)
        with self._opening:
            if self._opened is None or self._opened.board is not board or self._opened.today != today:
                self._opened = _contents(board, state, today)
            return self._opened


class _Seen(NamedTuple):
    """What a visitor sees of a board."""

    board: Board
    today: date
    """The day on which it was made: what is new then is not new for ever."""
    table: Contents
    number: int
    """How many rows are shown."""
    found: int
    """How many rows the search and the filters leave."""
    sorted_by: str
    """The header of the column that the rows are sorted by."""
    is_descending: bool
    bars: str
    """The places of the columns with bars, from 1."""
    notes: Markup
    """The notes below the table."""


def _contents(board: Board, state: ViewState, today: date) -> _Seen:
    table = view(board.standings, state)
    found = marks.numbered(table)
    made = contents(table, board.local_models, found, new_since=new_since(today))
    _ = made.as_json  # made here, in a thread, so that nobody else waits for it
    return _Seen(
        board=board,
        today=today,
        table=made,
        number=len(table.rows),
        found=table.found,
        sorted_by=table.sorted_by.header,
        is_descending=table.is_descending,
        bars=" ".join(str(place) for place, each in enumerate(table.columns, 1) if has_bars(each)),
        notes=marks.notes(table, found),
    )


def _citation(texts: Texts) -> None:
    with gr.Accordion("📙 Citation", open=False):
        gr.Textbox(
            texts.citation.strip(),
            label=texts.citation_label,
            lines=min(20, texts.citation.count("\n") + 1),
            show_copy_button=True,
            elem_id="citation",
        )

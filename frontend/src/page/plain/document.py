"""The plain page itself: a view as semantic HTML without scripts, whole or for a frame on another page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from src.board.board import Board
from src.columns import EVALUATED, RANK, Column, score
from src.leaderboard.active import active, cleared
from src.leaderboard.search import read_search
from src.leaderboard.sorting import Sort
from src.leaderboard.view import PAGE, Table, ViewState
from src.page import notices
from src.page.html import render
from src.page.notices import Chip
from src.page.plain.asked import Asked, Part, offered
from src.page.plain.cells import Cells
from src.page.plain.form import Form
from src.page.plain.kept import Answer
from src.page.plain.site import Site
from src.page.table import NEVER_NEW, shortened

STYLE = Path(__file__).with_name("plain.css")

HTML = "text/html; charset=utf-8"

MOST_ROWS = 1000
"""The most rows of one page."""


def document(
    board: Board, asked: Asked, site: Site, *, is_read: bool = True, new_since: datetime = NEVER_NEW
) -> Answer:
    """Return the page for what is asked. Unless `is_read`, the datasets are still being read.

    A model that was first evaluated after `new_since` has a badge.
    """
    part = asked.part(board.standings, most=MOST_ROWS)
    html = render(
        "plain_embedded.html" if asked.is_embedded else "plain.html",
        site=site,
        page=TablePage(board, replace(asked, first=part.first), part),
        cells=Cells(board, part.table, new_since),
        form=Form(board.standings, asked.state, part.table),
        style=Markup(STYLE.read_text(encoding="utf-8")),
        is_read=is_read,
    )
    return Answer(html.encode("utf-8", "replace"), HTML)


class _Header(NamedTuple):
    """The header of a column: a link that sorts by it."""

    text: str
    query: str
    direction: str
    """How the rows are sorted by it: `ascending`, `descending`, or not at all."""


class _Link(NamedTuple):
    """A link to the same page under another query."""

    text: str
    query: str


@dataclass(frozen=True)
class TablePage:
    """The links of the page, and what it says of the view."""

    board: Board
    asked: Asked
    part: Part

    @property
    def state(self) -> ViewState:
        """What is asked for."""
        return self.asked.state

    @property
    def table(self) -> Table:
        """Its rows and columns."""
        return self.part.table

    @property
    def last(self) -> int:
        """The number of the last row."""
        return self.part.first + len(self.table.rows) - 1

    @property
    def is_opening(self) -> bool:
        """Whether search engines may list this view: the others have the same rows."""
        return self.query(first=1, size=PAGE, is_embedded=False) == ""

    def query(self, state: ViewState | None = None, **changes: object) -> str:
        """Return the query of this page with other choices, from the first row unless `first` is given."""
        size = changes.pop("size", self.state.size)
        state = replace(state or self.state, size=size)  # type: ignore[arg-type]
        asked = replace(self.asked, state=state, **{"first": 1, **changes})  # type: ignore[arg-type]
        return asked.query(self._offered)

    @cached_property
    def _offered(self) -> Sequence[Column]:
        return offered(self.board.standings)

    @property
    def headers(self) -> Iterator[_Header]:
        """The headers. A press sorts by the column, the best first; the next one turns the order."""
        direction = "descending" if self.table.is_descending else "ascending"
        for column in self.table.columns:
            is_sorted = column.name == self.table.sorted_by.name
            sort = Sort(column.name, worst_first=is_sorted and not self.state.sort.worst_first)
            query = self.query(replace(self.state, sort=sort))
            yield _Header(column.header, query, direction if is_sorted else "")

    @property
    def sorted_by(self) -> str:
        """The order in words."""
        column = self.table.sorted_by
        if column.is_text:
            ends = ("A", "Z")
        elif column is EVALUATED:
            ends = ("newest", "oldest")
        elif column is RANK or column.text is score:
            ends = ("best", "worst")
        else:
            ends = ("largest", "smallest")
        return f"sorted by {column.name}, {ends[self.state.sort.worst_first]} first"

    @cached_property
    def chips(self) -> Sequence[Chip]:
        """What leaves out rows, each part with the address without it."""
        parts = active(self.board.standings, self.state, found=self.table.found)
        return [Chip(shortened(part.label), self.query(part.without), part.found) for part in parts]

    @property
    def cleared(self) -> str:
        """The address without search and filters."""
        return self.query(cleared(self.state))

    @property
    def found(self) -> str:
        """How many models the view has."""
        return notices.counted(self.table.found, self.table.total, read_search(self.state.search).left_out)

    @cached_property
    def pages(self) -> Sequence[_Link]:
        """The rows before and after these, and all of them."""
        return list(self._pages())

    def _pages(self) -> Iterator[_Link]:
        first, found = self.part.first, self.table.found
        step = min(self.state.size or MOST_ROWS, MOST_ROWS)
        if first > 1:
            before = max(1, first - step)
            yield _Link(f"‹ {before:,}–{first - 1:,}", self.query(first=before))
        if self.last < found:
            end = min(self.last + step, found)
            yield _Link(f"{self.last + 1:,}–{end:,} ›", self.query(first=self.last + 1))
        if step < min(found, MOST_ROWS):
            all_rows = f"All {found:,}" if found <= MOST_ROWS else f"{MOST_ROWS:,} on a page"
            yield _Link(all_rows, self.query(size=None))

    @property
    def canonical(self) -> str:
        """The query by which search engines know the page: that of its rows in the view that opens first."""
        query = self.query(first=self.part.first, size=PAGE, is_embedded=False)
        return query if self.is_opening else ""

    @property
    def view_query(self) -> str:
        """The query of the same rows in another form, which has no limit of its own."""
        is_limited = len(self.table.rows) == MOST_ROWS
        size = MOST_ROWS if is_limited else self.state.size
        return self.query(first=self.part.first, size=size, is_embedded=False)

    @cached_property
    def whole_query(self) -> str:
        """The query of all rows that were found, in another form; empty if these are all."""
        is_whole = len(self.table.rows) == self.table.found
        return "" if is_whole else self.query(size=None, is_embedded=False)

    @property
    def page_query(self) -> str:
        """The query of the same view on the page with scripts, which begins with the first row."""
        return self.query(is_embedded=False)

    @property
    def embedding_query(self) -> str:
        """The query of the same rows for a frame on another page."""
        return self.query(first=self.part.first, is_embedded=True)

"""The pages of an exported board: what the leaderboard's page says, as files with links between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from src.board.board import Board
from src.columns import MODEL as MODEL_COLUMN
from src.columns import Column, columns
from src.leaderboard.references import reference
from src.leaderboard.rescoring import AS_PUBLISHED
from src.leaderboard.rows import Standings
from src.leaderboard.scores import score_columns
from src.leaderboard.sorting import Sort, in_order, is_descending
from src.leaderboard.view import OPENING, ViewState
from src.page.assets import ADDRESS, pictures
from src.page.charts.choice import LABELS, Choice, Kind, label
from src.page.charts.draw import draw
from src.page.details import STYLE as DETAILS_STYLE
from src.page.details.base import Page
from src.page.details.links import DetailsLinks
from src.page.details.model import ModelPage
from src.page.details.task import TaskPage
from src.page.html import render
from src.page.links import Links
from src.page.plain.asked import Asked, Part
from src.page.plain.cells import Cells
from src.page.plain.charts import PICTURES, chart_picture
from src.page.plain.document import STYLE as PLAIN_STYLE
from src.page.plain.document import TablePage
from src.page.plain.exports import as_csv, as_json, as_parquet
from src.page.plain.site import Site
from src.page.queue_tables import label as group_label
from src.page.queue_tables import queue_table
from src.page.static.files import ABOUT, DATA, EVERYTHING, INDEX, QUEUE, Files, chart_address
from src.page.static.markdown import as_html
from src.page.static.relinked import ELSEWHERE, relinked
from src.page.suite import suite
from src.page.table import new_since
from src.page.texts import Texts
from src.queue.entries import Group
from src.shared.version import VERSION

STYLES = {
    "plain.css": PLAIN_STYLE,
    "details.css": DETAILS_STYLE,
    "static.css": Path(__file__).with_name("static.css"),
    "static.js": Path(__file__).with_name("static.js"),
}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'"
)
"""A page loads only what lies beside it, and sends nothing."""

LINKED = [
    ("table", "Table"),
    (EVERYTHING, "All columns"),
    ("charts", "Charts"),
    (ABOUT, "About"),
    (QUEUE, "Queue"),
]
"""The addresses of the pages to which every page links."""

DATA_FILES = dict(zip(DATA, (as_csv, as_json, as_parquet), strict=True))

LEFT_OUT = "Models that are no longer on the Hub are left out here. The table with all columns has them."


class File(NamedTuple):
    """A file of the export."""

    path: str
    """Relative to the folder, with slashes."""
    data: bytes


class Source(NamedTuple):
    """A dataset from which the board was read."""

    name: str
    """As people know it; no path of this machine."""
    revision: str = ""
    """The commit; empty for a folder."""

    def __str__(self) -> str:
        return f"{self.name} at {self.revision[:10]}" if self.revision else self.name


@dataclass(frozen=True)
class StaticBoard:
    """A board as files. `today` decides which models are new."""

    board: Board
    texts: Texts
    links: Links
    today: datetime
    num_fewshot: int | None = None
    sources: Sequence[Source] = ()

    @cached_property
    def files(self) -> Files:
        """What each page is called."""
        return Files(self.board.standings, [f"{ADDRESS}/{picture.name}" for picture in pictures()])

    @cached_property
    def site(self) -> Site:
        """The owner's title and introduction as plain text."""
        return Site.of(self.texts)

    @property
    def number(self) -> int:
        """How many files `pages` yields."""
        return len(self.files.all) - 1

    def pages(self) -> Iterator[File]:
        """Yield all files but the page that says when they were made. The same board gives the same bytes."""
        for name, path in STYLES.items():
            yield File(name, path.read_bytes())
        for picture in pictures():
            yield File(f"{ADDRESS}/{picture.name}", picture.read_bytes())
        state = ViewState(columns=frozenset(column.name for column in self._columns))
        part = self._part_of(state)
        for name, make in DATA_FILES.items():
            yield File(name, make(part).body)
        yield self._table(EVERYTHING, state, heading=f"All models and columns of {self.site.title}")
        yield self._about()
        yield self._queue()
        yield from self._charts()
        yield from self._tasks()
        yield from self._models()

    def opening(self, made: datetime) -> File:
        """Return the page that opens first. It says when it was made, and from what."""
        state = replace(OPENING, size=None)
        return self._table(
            INDEX,
            state,
            heading=self.site.title,
            introduction=self.site.introduction,
            made=f"{made:%Y-%m-%d %H:%M} UTC",
        )

    @property
    def _standings(self) -> Standings:
        return self.board.standings

    @cached_property
    def _columns(self) -> Sequence[Column]:
        return columns(self._standings.tasks)

    def _page(
        self, path: str, template: str, *, about: str = "", here: str = "", made: str = "", **values: object
    ) -> File:
        """Return a page. `here` is its address among LINKED."""
        title = self.site.title
        html = render(
            template,
            policy=POLICY,
            pages=LINKED,
            here=here,
            title=f"{about} · {title}" if about else title,
            site=self.site,
            made=made,
            sources=self.sources,
            version=VERSION,
            is_read=True,
            **values,
        )
        depth = path.count("/")
        return File(path, relinked(html, self.files.targets, depth=depth).encode("utf-8", "replace"))

    def _part_of(self, state: ViewState) -> Part:
        return Asked(state).part(self._standings)

    def _table(
        self, path: str, state: ViewState, *, heading: str, introduction: str = "", made: str = ""
    ) -> File:
        part = self._part_of(state)
        is_first = path == INDEX
        return self._page(
            path,
            "static_table.html",
            about="" if is_first else "All columns",
            here="table" if is_first else path,
            heading=heading,
            introduction=introduction,
            left_out=LEFT_OUT if part.table.found < part.table.total else "",
            page=TablePage(self.board, Asked(state), part),
            cells=Cells(self.board, part.table, new_since(self.today.date())),
            files=DATA.items(),
            orders=orjson.dumps(orders(self._standings, part)).decode(),
            made=made,
        )

    def _about(self) -> File:
        texts = self.texts
        return self._page(
            ABOUT,
            "static_about.html",
            about="About",
            here=ABOUT,
            introduction=as_html(texts.introduction),
            text=as_html(texts.benchmarks),
            tests=suite(self._standings.tasks, self.board.backend, num_fewshot=self.num_fewshot),
            citation=texts.citation.strip(),
            citation_label=texts.citation_label,
        )

    def _queue(self) -> File:
        is_elsewhere = ELSEWHERE.match(self.links.results.address("a file") or "")
        without = ["link"] if is_elsewhere else ["link", "files"]
        by_group = {group: [each for each in self.board.queue if each.group is group] for group in Group}
        groups = [
            (
                group_label(group, queue),
                queue_table(group, queue, self.links, without=without) if queue else "",
            )
            for group, queue in by_group.items()
            if queue or group is not Group.WAITING
        ]
        return self._page(QUEUE, "static_queue.html", about="Queue", here=QUEUE, groups=groups)

    def _charts(self) -> Iterator[File]:
        found = self._standings
        names = [(chart_address(column.name), label(column)) for column in score_columns(found)]
        for column in score_columns(found):
            yield self._page(
                self.files.charts[column.name],
                "static_charts.html",
                about=f"Charts: {label(column)}",
                here="charts",
                chosen=label(column),
                columns=names,
                charts=[(LABELS[kind], str(kind), draw(found, Choice(kind, column))) for kind in Kind],
                pictures=list(map(str, PICTURES)),
                query=Choice(Kind.SIZE, column).query(found),
            )
            for kind in PICTURES:
                yield File(self.files.pictures[kind, column.name], chart_picture(kind, found, column).body)

    def _tasks(self) -> Iterator[File]:
        for number, column in enumerate(self._standings.tasks):
            page = TaskPage(**self._details, number=number, num_fewshot=self.num_fewshot)
            yield self._page(
                self.files.tasks[column.task.col_name], "static_details.html", about=page.title, page=page
            )

    def _models(self) -> Iterator[File]:
        for row in self._standings.rows:
            page = ModelPage(**self._details, row=row)
            path = self.files.models[reference(self._standings, row)]
            yield self._page(path, "static_details.html", about=page.title, page=page)

    @cached_property
    def _details(self) -> dict[str, Any]:
        to = DetailsLinks(self._standings, AS_PUBLISHED)
        return vars(Page(self.board, self._standings, to, self.links))


def orders(standings: Standings, part: Part) -> list[list[object]]:
    """Return how the script sorts by each column of a table, as the leaderboard's own page does.

    For each column: the numbers of the rows, the best first and those without a value last; how many have a
    value; and, as 0 or 1, whether the best is the largest, and whether the search looks into it.
    """
    rows = part.table.rows
    place = {id(row): number for number, row in enumerate(rows)}
    found = []
    for column in part.table.columns:
        sort = Sort(column.name)
        known = sum(column.value_of(row) is not None for row in rows)
        order = [place[id(row)] for row in in_order(rows, column, sort)]
        is_searched = column.is_text or column is MODEL_COLUMN
        found.append([order, known, int(is_descending(column, sort)), int(is_searched)])
    return found

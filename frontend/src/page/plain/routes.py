"""The routes of the plain page, its files, charts, badges and preview picture, and their doors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from src.board.board import Board
from src.board.keeper import Keeper
from src.columns import Column
from src.leaderboard.references import referred
from src.page.charts import choice
from src.page.charts.choice import Kind
from src.page.plain.asked import LONGEST_QUERY, Asked, Part, offered, read
from src.page.plain.badge import badge, shown_column
from src.page.plain.charts import PICTURES, chart_picture, charts_page
from src.page.plain.document import document
from src.page.plain.exports import as_csv, as_json, as_parquet
from src.page.plain.kept import Answer, Kept
from src.page.plain.preview import owners_picture, preview
from src.page.plain.site import Site
from src.page.table import new_since
from src.page.texts import Texts
from src.settings import Settings
from src.shared.serving.doors import FILE, Door
from src.shared.times import Clock, utc_now

LONGEST_NAME = 200
"""Characters of what a badge is asked to show."""

TOO_LONG = f"This address is longer than {LONGEST_QUERY:,} characters, which is the limit."

READING = ("GET", "HEAD")

Endpoint = Callable[[Request], Awaitable[Response]]

FILES: dict[str, Callable[[Part], Answer]] = {
    "/table.csv": as_csv,
    "/leaderboard": as_json,
    "/table.parquet": as_parquet,
}
"""What makes each file."""


def plain_doors() -> list[Door]:
    """Return the doors of these routes."""
    return [
        Door(READING, r"/table(?:\.csv|\.parquet)?", "the table without scripts, and as a file"),
        Door(READING, "/leaderboard", "programs read a view as JSON"),
        Door(READING, rf"/badge/{FILE}(?:/{FILE})?\.svg", "badges on the models' own pages"),
        Door(READING, "/charts", "the charts without scripts"),
        Door(READING, rf"/chart/(?:{'|'.join(PICTURES)})\.svg", "their pictures"),
        Door(READING, r"/preview\.png", "the picture of link previews"),
    ]


def plain_site(texts: Texts, settings: Settings) -> Site:
    """Return what the plain page says of the leaderboard, with the owner's words and picture."""
    base = f"https://{settings.hosts[0]}/" if settings.hosts else ""
    return Site.of(texts, base=base, picture=owners_picture() or "preview.png")


def plain_routes(keeper: Keeper, about: Site, *, clock: Clock = utc_now) -> list[Route]:
    """Return the routes of the plain page and of what belongs to it."""
    plain = _Plain(keeper, about, clock)
    endpoints: dict[str, Endpoint] = {
        "/table": plain.table,
        **{path: plain.file(path) for path in FILES},
        "/charts": plain.charts,
        **{f"/chart/{kind}.svg": plain.picture(kind) for kind in PICTURES},
        "/badge/{model:path}.svg": plain.badge,
        "/preview.png": plain.preview,
    }
    return [Route(path, endpoint, methods=list(READING)) for path, endpoint in endpoints.items()]


class _Plain:
    """Answers the routes. What was made for one visitor is sent to all who ask for the same."""

    def __init__(self, keeper: Keeper, about: Site, clock: Clock) -> None:
        self._keeper = keeper
        self._clock = clock
        self._about = about
        self._kept = Kept()

    async def table(self, request: Request) -> Response:
        """Answer with the page."""
        is_read, today = bool(self._keeper.now.synced), self._clock().date()

        def make(board: Board, asked: Asked) -> Answer:
            return document(board, asked, self._about, is_read=is_read, new_since=new_since(today))

        return await self._view(request, f"/table on {today}", make)

    def file(self, path: str) -> Endpoint:
        """Return what answers with the rows in another form."""

        async def answer(request: Request) -> Response:
            return await self._view(
                request, path, lambda board, asked: FILES[path](asked.part(board.standings))
            )

        return answer

    async def badge(self, request: Request) -> Response:
        """Answer with a model's badge."""
        board = self._keeper.now.board
        row = referred(board.standings, request.path_params["model"])
        show = request.query_params.get("show", "")[:LONGEST_NAME]
        column = shown_column(board.standings, show)
        return await self._answer(
            request,
            board,
            ("badge", id(row), column.name if column else ""),
            lambda: badge(board.standings, row, column, title=self._about.title),
        )

    async def charts(self, request: Request) -> Response:
        """Answer with the page of the charts."""
        board, is_read = self._keeper.now.board, bool(self._keeper.now.synced)
        column = _column(request, board)
        return await self._answer(
            request,
            board,
            ("charts", column.name),
            lambda: charts_page(board.standings, column, self._about, is_read=is_read),
        )

    def picture(self, kind: Kind) -> Endpoint:
        """Return what answers with the picture of a chart."""

        async def answer(request: Request) -> Response:
            board = self._keeper.now.board
            column = _column(request, board)
            return await self._answer(
                request, board, (kind, column.name), lambda: chart_picture(kind, board.standings, column)
            )

        return answer

    async def preview(self, request: Request) -> Response:
        """Answer with the picture for link previews."""
        board = self._keeper.now.board
        return await self._answer(
            request, board, "preview", lambda: preview(board.standings, title=self._about.title)
        )

    async def _view(self, request: Request, path: str, make: Callable[[Board, Asked], Answer]) -> Response:
        query = request.scope["query_string"].decode("latin-1")
        if len(query) > LONGEST_QUERY:
            return PlainTextResponse(TOO_LONG, 414)
        board = self._keeper.now.board
        asked = read(query, board.standings)
        key = (path, asked.query(offered(board.standings)))
        return await self._answer(request, board, key, lambda: make(board, asked))

    async def _answer(
        self, request: Request, board: Board, key: Hashable, make: Callable[[], Answer]
    ) -> Response:
        is_read = bool(self._keeper.now.synced)
        return await self._kept.respond(request, board.standings, key, make, is_read=is_read)


def _column(request: Request, board: Board) -> Column:
    """Return the column that an address asks for, which anybody may have written."""
    return choice.read(request.query_params, board.standings).column

"""The routes of the details, and the doors that these need."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from src.board.board import Board
from src.board.keeper import Keeper
from src.columns import optional_columns
from src.leaderboard import address
from src.leaderboard.comparison import MOST, Comparison, chosen, with_another
from src.leaderboard.references import LONGEST, referred
from src.leaderboard.rescoring import Scoring, counting, rescored
from src.page.details import STYLE
from src.page.details.base import Page
from src.page.details.comparison import ComparisonPage
from src.page.details.links import ADD, COMPARE, MODEL, NAME, TASK, DetailsLinks
from src.page.details.model import ModelPage
from src.page.details.nothing import NOT_FOUND, NothingPage
from src.page.details.task import TaskPage
from src.page.html import render
from src.page.links import Links
from src.page.plain.asked import LONGEST_QUERY
from src.page.plain.document import STYLE as PLAIN_STYLE
from src.page.plain.kept import Answer, Kept
from src.page.plain.routes import READING, TOO_LONG
from src.page.plain.site import Site
from src.shared.serving.doors import Door

STYLES = [PLAIN_STYLE, STYLE]

HTML = "text/html; charset=utf-8"

NOT_READ = 503
"""The status while the results are read, when nobody knows yet whether a name will be there."""

WITH_A_BASE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; "
    "form-action 'self'; base-uri 'self'"
}
"""The links of all these pages are relative to the leaderboard, however deep the path is."""


def details_doors() -> list[Door]:
    """Return the doors of these routes."""
    return [
        Door(READING, rf"/(?:{MODEL}|{TASK})(?:/[^\x00-\x1f]{{1,{LONGEST}}})?", "one model, or one task"),
        Door(READING, f"/{COMPARE}", "several models side by side"),
    ]


def details_routes(keeper: Keeper, about: Site, *, num_fewshot: int | None = None) -> list[Route]:
    """Return the routes. `num_fewshot` is the setting in about.py."""
    details = _Details(keeper, about, num_fewshot)
    return [
        Route(f"/{MODEL}", details.model, methods=list(READING)),
        Route(f"/{MODEL}/{{{NAME}:path}}", details.model, methods=list(READING)),
        Route(f"/{TASK}", details.task, methods=list(READING)),
        Route(f"/{TASK}/{{{NAME}:path}}", details.task, methods=list(READING)),
        Route(f"/{COMPARE}", details.comparison, methods=list(READING)),
    ]


class _Details:
    """Answers the routes. What was made for one visitor is sent to all who ask for the same."""

    def __init__(self, keeper: Keeper, about: Site, num_fewshot: int | None) -> None:
        self._keeper = keeper
        self._about = about
        self._num_fewshot = num_fewshot
        self._kept = Kept()

    async def model(self, request: Request) -> Response:
        """Answer with the details of a model."""
        name = _name(request)

        def make(page: Page) -> Page:
            row = referred(page.standings, name)
            return ModelPage(**vars(page), row=row) if row else NothingPage(**vars(page), asked=name)

        return await self._answer(request, (MODEL, name), make)

    async def task(self, request: Request) -> Response:
        """Answer with a task."""
        name = _name(request)

        def make(page: Page) -> Page:
            names = [column.task.col_name for column in page.standings.tasks]
            if name not in names:
                return NothingPage(**vars(page), asked=name)
            return TaskPage(**vars(page), number=names.index(name), num_fewshot=self._num_fewshot)

        return await self._answer(request, (TASK, name), make)

    async def comparison(self, request: Request) -> Response:
        """Answer with models side by side."""
        named = request.query_params.getlist(MODEL)[: 2 * MOST]
        asked = tuple(each[:LONGEST] for each in named if each.strip())
        sought = request.query_params.get(ADD, "")[:LONGEST]

        def make(page: Page) -> Page:
            rows = chosen(page.standings, asked)
            found = with_another(page.standings, rows, sought)
            missing = [each for each in asked if not referred(page.standings, each)]
            missing += [sought] if sought.strip() and len(found) == len(rows) < MOST else []
            return ComparisonPage(
                **vars(page), comparison=Comparison(page.standings, found), not_found=missing
            )

        return await self._answer(request, (COMPARE, asked, sought), make)

    async def _answer(self, request: Request, key: Hashable, make: Callable[[Page], Page]) -> Response:
        query = request.scope["query_string"].decode("latin-1")
        if len(query) > LONGEST_QUERY:
            return PlainTextResponse(TOO_LONG, 414)
        board, is_read = self._keeper.now.board, bool(self._keeper.now.synced)
        asked = address.scoring(query, optional_columns(board.standings.tasks))
        scoring = counting(board.standings, asked)
        depth = _depth(request)

        def made() -> Answer:
            page = make(self._page(board, scoring))
            html = self._document(page, depth, is_read=is_read)
            status = NOT_READ if page.status == NOT_FOUND and not is_read else page.status
            return Answer(html.encode("utf-8", "replace"), HTML, WITH_A_BASE, status)

        wanted = (key, scoring, depth)
        return await self._kept.respond(request, board.standings, wanted, made, is_read=is_read)

    def _page(self, board: Board, scoring: Scoring) -> Page:
        standings = rescored(board.standings, scoring)
        files = Links(self._keeper.requests, self._keeper.results, board.local_models)
        return Page(board, standings, DetailsLinks(standings, scoring), files)

    def _document(self, page: Page, depth: int, *, is_read: bool) -> str:
        return render(
            "details.html",
            page=page,
            site=self._about,
            root="../" * depth or "./",
            style=Markup("\n".join(style.read_text(encoding="utf-8") for style in STYLES)),
            is_read=is_read,
        )


def _depth(request: Request) -> int:
    """Return how many folders deep an address is. To a browser, an escaped slash is no slash."""
    path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return path.removeprefix(request.scope.get("root_path", "").encode()).count(b"/") - 1


def _name(request: Request) -> str:
    """Return the name that an address asks for, in its path or in its query."""
    name: str = request.path_params.get(NAME, "") or request.query_params.get(NAME, "")
    return name[:LONGEST]

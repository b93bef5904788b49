"""`/health`: whether the worker is working, for monitoring."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from src.page.brief_cache import BriefCache
from src.queue.reconciler import Reconciler
from src.queue.ticker import Ticker
from src.shared.process.steady import on_the_wall
from src.shared.times import to_text

PATH = "/health"

WELL, NOT_WELL = 200, 503


def health_route(reconciler: Reconciler, ticker: Ticker) -> Route:
    """Return the route of `/health`.

    The status is 200 while the worker ticks and reads the datasets on schedule, and 503 otherwise.
    """

    latest = BriefCache(reconciler.overview)

    def health(_: Request) -> JSONResponse:
        overview = latest.get()
        ticker.leaps.check()
        is_ticking = ticker.is_on_time(ticker.last)
        is_well = is_ticking and ticker.is_on_time(reconciler.datasets.synced)
        facts = {
            "is_ticking": is_ticking,
            "worker": reconciler.worker,
            "last_tick": _text(ticker.last),
            "last_sync": _text(reconciler.datasets.synced),
            "running": len(overview.running),
            "pending": len(overview.waiting),
            "problem": ticker.problem,
            "last_leap_of_the_clock": ticker.leaps.last,
        }
        return JSONResponse(facts, WELL if is_well else NOT_WELL, {"Cache-Control": "no-store"})

    return Route(PATH, health, methods=["GET"])


def _text(time: datetime | None) -> str | None:
    return to_text(on_the_wall(time)) if time else None

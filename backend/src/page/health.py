"""`/health`: whether the worker is working, for monitoring."""

from __future__ import annotations

from datetime import datetime

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from src.page.brief_cache import BriefCache
from src.queue.reconciler import Reconciler
from src.queue.ticker import Ticker
from src.shared.process.steady import on_the_wall
from src.shared.times import to_text

PATH = "/health"

WELL, NOT_WELL = 200, 503


def serve_health(site: FastAPI, reconciler: Reconciler, ticker: Ticker) -> None:
    """Serve `/health`.

    The status is 200 while the worker ticks and reads the datasets on schedule, and 503 otherwise.
    """

    latest = BriefCache(reconciler.overview)

    def health() -> JSONResponse:
        overview = latest.get()
        ticker.leaps.check()
        is_ticking = ticker.is_on_time(ticker.last)
        is_well = is_ticking and ticker.is_on_time(reconciler.synced)
        facts = {
            "is_ticking": is_ticking,
            "worker": reconciler.worker,
            "last_tick": _text(ticker.last),
            "last_sync": _text(reconciler.synced),
            "running": len(overview.running),
            "pending": len(overview.waiting),
            "problem": ticker.problem,
            "last_leap_of_the_clock": ticker.leaps.last,
        }
        return JSONResponse(facts, WELL if is_well else NOT_WELL, {"Cache-Control": "no-store"})

    site.add_api_route(PATH, health, methods=["GET"])


def _text(time: datetime | None) -> str | None:
    return to_text(on_the_wall(time)) if time else None

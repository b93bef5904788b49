"""`/health`: whether the worker is at work, for machines that watch it."""

from __future__ import annotations

from datetime import datetime

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from src.page.lately import Lately
from src.reconciler import Reconciler
from src.shared.times import to_text, utc_now
from src.ticker import Ticker

PATH = "/health"

WELL, NOT_WELL = 200, 503


def serve_health(site: FastAPI, reconciler: Reconciler, ticker: Ticker) -> None:
    """Answer at `/health`: with status 200 while ticks come and the datasets are read as they should be, and
    with 503 when either has stopped.
    """

    latest = Lately(reconciler.overview)

    def health() -> JSONResponse:
        overview = latest.get()
        is_ticking = ticker.is_on_time(ticker.last, utc_now())
        is_well = is_ticking and ticker.is_on_time(reconciler.synced, utc_now())
        facts = {
            "is_ticking": is_ticking,
            "worker": reconciler.worker,
            "last_tick": _text(ticker.last),
            "last_sync": _text(reconciler.synced),
            "running": len(overview.running),
            "pending": len(overview.waiting),
            "problem": ticker.problem,
        }
        return JSONResponse(facts, WELL if is_well else NOT_WELL, {"Cache-Control": "no-store"})

    site.add_api_route(PATH, health, methods=["GET"])


def _text(time: datetime | None) -> str | None:
    return to_text(time) if time else None

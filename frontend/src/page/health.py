"""`/health`: whether the page is up to date, for monitoring."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from src.board.keeper import Keeper
from src.queue.entries import Group
from src.shared.serving.doors import Door
from src.shared.times import to_text, utc_now
from src.shared.version import VERSION

PATH = "/health"
DOOR = Door(("GET",), PATH, "machines watch the page")

LATE_AFTER = timedelta(minutes=5)
"""Longer than a sync takes, since every call to the Hub has a deadline."""

WELL, NOT_WELL = 200, 503


def health_route(keeper: Keeper, every: timedelta, clock: Callable[[], datetime] = utc_now) -> Route:
    """Return the route of `/health`. `every` is the time between two syncs.

    The status is 200 while the datasets are read on schedule, and 503 otherwise. It holds nothing that the
    page does not show to everybody.
    """

    def health(_: Request) -> JSONResponse:
        now = keeper.now
        is_well = now.synced is not None and abs(clock() - now.synced) <= every + LATE_AFTER
        groups = [entry.group for entry in now.board.queue]
        facts = {
            "is_up_to_date": is_well,
            "version": VERSION,
            "last_sync": to_text(now.synced) if now.synced else None,
            "files_left": now.left,
            "models": len(now.board.standings.rows),
            "running": groups.count(Group.RUNNING),
            "pending": groups.count(Group.PENDING),
            "waiting_for_approval": groups.count(Group.WAITING),
            "problem": now.problem,
            "cannot_submit": now.cannot_submit,
            "no_worker_since": to_text(now.silent_since) if now.silent_since else None,
        }
        return JSONResponse(facts, WELL if is_well else NOT_WELL, {"Cache-Control": "no-store"})

    return Route(PATH, health, methods=["GET"])

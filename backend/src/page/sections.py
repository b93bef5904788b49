"""The parts of the backend's page as HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from markupsafe import Markup

from src.page.html import render
from src.queue.overview import Overview
from src.shared.data.request import Request, Status

ICONS = {
    Status.PENDING: "⏳",
    Status.RUNNING: "⚙️",
    Status.FINISHED: "✅",
    Status.FAILED: "❌",
    Status.CANCELLED: "🚫",
}

SHOWN = 50
"""Entries shown of a long list. The rest is only counted."""

Address = Callable[[str], str | None]
"""The URL at which a browser can open a file of the results dataset, or None."""


def header(
    worker: str, *, last_tick: datetime | None, notes: Sequence[str], problems: Sequence[str]
) -> Markup:
    """Return the worker's name, the time of its last tick, and its notes and problems."""
    return render("header.html", worker=worker, last_tick=last_tick, notes=notes, problems=problems)


def running(overview: Overview, now: datetime) -> Markup:
    """Return the running evaluations, each with a progress bar and the time since its start."""
    times = [(_clock(now - each.started), _clock(each.time_left(now))) for each in overview.running]
    return render("running.html", evaluations=list(zip(overview.running, times, strict=True)))


def waiting(overview: Overview) -> Markup:
    """Return the queue in order."""
    found = overview.waiting
    return render("waiting.html", number=len(found), requests=found[:SHOWN], more=_more(found))


def failed(overview: Overview, address: Address) -> Markup:
    """Return the failed requests of all workers, newest first, each with its reason and log."""
    found = overview.failed
    failures = [(request, _log(request, address)) for request in found[:SHOWN]]
    return render("failed.html", number=len(found), failures=failures, icons=ICONS, more=_more(found))


def events(overview: Overview) -> Markup:
    """Return the recent events, newest first."""
    return render("events.html", events=overview.events, icons=ICONS)


def _more(requests: Sequence[Request]) -> str:
    more = len(requests) - SHOWN
    return f"and {more:,} more" if more > 0 else ""


def _log(request: Request, address: Address) -> str | None:
    log = request.history[-1].log if request.history else None
    return address(log) if log else None


def _clock(time: timedelta | None) -> str:
    """Return a duration as minutes and seconds, or nothing if it is unknown."""
    if time is None:
        return ""
    seconds = max(0, int(time.total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02d}"

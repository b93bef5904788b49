"""The parts of the backend's page as HTML; every value is escaped by markupsafe's `format`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from markupsafe import Markup

from src.queue.overview import Event, Overview, Running
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
    ticked = f"last checked the queue at {last_tick:%H:%M:%S} UTC" if last_tick else "is checking the queue"
    parts = [
        Markup('<h1>⚙️ Leaderboard backend</h1><p class="quiet">Worker <code>{}</code> · {}</p>').format(
            worker, ticked
        )
    ]
    parts += [Markup('<p class="note">{}</p>').format(note) for note in notes]
    parts += [Markup('<p class="note bad" role="alert">⚠️ {}</p>').format(each) for each in problems]
    return _join(parts)


def running(overview: Overview, now: datetime) -> Markup:
    """Return the running evaluations, each with a progress bar and the time since its start."""
    bars = _join(_running(each, now) for each in overview.running)
    return _section("Running", len(overview.running), bars, empty="No evaluation is running.")


def waiting(overview: Overview) -> Markup:
    """Return the queue in order."""
    items = _join(
        Markup('<li>{} <span class="quiet">{}</span></li>').format(_name(each), each.message)
        for each in overview.waiting[:SHOWN]
    )
    rest = _rest(len(overview.waiting))
    content = Markup("<ol>{}</ol>{}").format(items, rest) if items else Markup()
    empty = "The queue is empty. Models submitted on the leaderboard appear here."
    return _section("Waiting", len(overview.waiting), content, empty=empty)


def failed(overview: Overview, address: Address) -> Markup:
    """Return the failed requests of all workers, newest first, each with its reason and log."""
    items = _join(
        Markup("<li>{} {}: {}{}</li>").format(
            ICONS[each.status], _name(each), each.message, _log_link(each, address)
        )
        for each in overview.failed[:SHOWN]
    )
    content = Markup("<ul>{}</ul>{}").format(items, _rest(len(overview.failed))) if items else Markup()
    return _section("Failed", len(overview.failed), content, empty="No evaluation has failed.")


def events(overview: Overview) -> Markup:
    """Return the recent events, newest first."""
    items = _join(_event(each) for each in overview.events)
    content = Markup("<ul>{}</ul>").format(items) if items else Markup()
    return _section("Recent events", None, content, empty="Nothing has happened since this worker started.")


def _section(title: str, count: int | None, content: Markup, *, empty: str) -> Markup:
    number = "" if count is None else f" ({count})"
    inner = content or Markup('<p class="quiet">{}</p>').format(empty)
    return Markup('<section class="card"><h2>{}{}</h2>{}</section>').format(title, number, inner)


def _rest(count: int) -> Markup:
    more = count - SHOWN
    return Markup('<p class="quiet">and {:,} more</p>').format(more) if more > 0 else Markup()


def _log_link(request: Request, address: Address) -> Markup:
    log = request.history[-1].log if request.history else None
    place = address(log) if log else None
    return Markup(' <a href="{}" target="_blank" rel="noopener">log</a>').format(place) if place else Markup()


def _running(each: Running, now: datetime) -> Markup:
    progress, left = each.progress, each.time_left(now)
    return Markup(
        '<p>{name} <span class="quiet">attempt {attempt} · {passed} min{left}</span></p>'
        '<div class="bar" role="progressbar" aria-label="{model}"'
        ' aria-valuenow="{percent}" aria-valuemin="0" aria-valuemax="100">'
        '<div style="width: {percent}%"></div></div><p class="quiet">{percent} % · {doing}</p>{log}'
    ).format(
        name=_name(each.request),
        model=each.request.model,
        attempt=each.request.attempt,
        passed=_clock(now - each.started),
        left=f" · about {_clock(left)} min left" if left is not None else "",
        percent=f"{each.share * 100:.0f}",
        doing=f"{progress.task}: {progress.done} of {progress.total}" if progress else "loading the model",
        log=Markup("<pre>{}</pre>").format(each.log) if each.log else "",
    )


def _clock(time: timedelta) -> str:
    """Return a duration as minutes and seconds."""
    seconds = max(0, int(time.total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02d}"


def _event(event: Event) -> Markup:
    return Markup('<li>{icon} <span class="quiet">{time}</span> {name}: {sentence}</li>').format(
        icon=ICONS[event.request.status],
        time=f"{event.time:%H:%M:%S}",
        name=_name(event.request),
        sentence=event.sentence,
    )


def _name(request: Request) -> Markup:
    commit = Markup(" <code>{}</code>").format(request.commit[:8]) if request.commit else ""
    return Markup('<bdi><b>{}</b></bdi>{} <span class="quiet">{}</span>').format(
        request.model, commit, request.precision
    )


def _join(parts: Iterable[Markup]) -> Markup:
    return Markup("\n").join(parts)

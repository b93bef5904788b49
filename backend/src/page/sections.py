"""The parts of the backend's page as HTML; every value is escaped by markupsafe's `format`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from markupsafe import Markup

from src.overview import Event, Overview, Running
from src.shared.request import Request, Status

ICONS = {
    Status.PENDING: "⏳",
    Status.RUNNING: "⚙️",
    Status.FINISHED: "✅",
    Status.FAILED: "❌",
    Status.CANCELLED: "🚫",
}

SHOWN = 50
"""How much of a long queue is listed; the rest is counted."""


def header(worker: str, *, last_tick: datetime | None, notice: str, problem: str) -> Markup:
    """Who this is, when it last looked at the queue, and what is wrong, if anything."""
    looked = (
        last_tick.strftime("last looked at the queue at %H:%M:%S UTC")
        if last_tick
        else "looks at the queue now"
    )
    parts = [Markup("<p>Worker <code>{}</code> · {}</p>").format(worker, looked)]
    parts += [Markup('<p class="notice">{}</p>').format(notice)] if notice else []
    parts += [Markup('<p class="problem" role="alert">⚠️ {}</p>').format(problem)] if problem else []
    return _join(parts)


def running(overview: Overview, now: datetime) -> Markup:
    """What is evaluated, each with its progress bar and the time since it began."""
    if not overview.running:
        return Markup('<p class="empty">Nothing runs.</p>')
    return _join(_running(each, now) for each in overview.running)


def waiting(overview: Overview) -> Markup:
    """The queue in order."""
    if not overview.waiting:
        return Markup(
            '<p class="empty">Nothing waits. Submit a model on the leaderboard, and it appears here.</p>'
        )
    items = _join(
        Markup("<li>{} <small>{}</small></li>").format(_name(each), each.message)
        for each in overview.waiting[:SHOWN]
    )
    more = len(overview.waiting) - SHOWN
    return Markup("<ol>{}</ol>{}").format(
        items, Markup("<p>and {} more</p>").format(more) if more > 0 else ""
    )


def events(overview: Overview) -> Markup:
    """What happened last, the newest first."""
    if not overview.events:
        return Markup('<p class="empty">Nothing has happened since this worker started.</p>')
    return Markup("<ul>{}</ul>").format(_join(_event(each) for each in overview.events))


def _running(each: Running, now: datetime) -> Markup:
    seconds = max(0, int((now - each.started).total_seconds()))
    progress = each.progress
    doing = f"{progress.task}: {progress.done} of {progress.total}" if progress else "loading the model"
    percent = f"{each.share * 100:.0f}"
    return Markup(
        '<div class="running"><p>{name} <small>attempt {attempt}, {minutes}:{seconds:02d} min</small></p>'
        '<div class="bar" role="progressbar" aria-label="{model}"'
        ' aria-valuenow="{percent}" aria-valuemin="0" aria-valuemax="100">'
        '<div style="width: {percent}%"></div></div><p><small>{percent} % · {doing}</small></p></div>'
    ).format(
        name=_name(each.request),
        model=each.request.model,
        attempt=each.request.attempt,
        minutes=seconds // 60,
        seconds=seconds % 60,
        percent=percent,
        doing=doing,
    )


def _event(event: Event) -> Markup:
    return Markup("<li>{icon} <small>{time}</small> {name}: {sentence}</li>").format(
        icon=ICONS[event.request.status],
        time=event.time.strftime("%H:%M:%S"),
        name=_name(event.request),
        sentence=event.sentence,
    )


def _name(request: Request) -> Markup:
    commit = Markup(" <code>{}</code>").format(request.commit[:8]) if request.commit else ""
    return Markup("<bdi><strong>{}</strong></bdi>{} <small>{}</small>").format(
        request.model, commit, request.precision
    )


def _join(parts: Iterable[Markup]) -> Markup:
    return Markup("\n").join(parts)

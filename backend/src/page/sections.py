"""The parts of the backend's page as HTML; every value is escaped by markupsafe's `format`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def header(
    worker: str, *, last_tick: datetime | None, notes: Sequence[str], problems: Sequence[str]
) -> Markup:
    """Who this is, when it last looked at the queue, and what is wrong, if anything."""
    looked = f"last looked at the queue at {last_tick:%H:%M:%S} UTC" if last_tick else "looks at the queue"
    parts = [
        Markup('<h1>⚙️ Leaderboard backend</h1><p class="quiet">Worker <code>{}</code> · {}</p>').format(
            worker, looked
        )
    ]
    parts += [Markup('<p class="note">{}</p>').format(note) for note in notes]
    parts += [Markup('<p class="note bad" role="alert">⚠️ {}</p>').format(each) for each in problems]
    return _join(parts)


def running(overview: Overview, now: datetime) -> Markup:
    """What is evaluated, each with its progress bar and the time since it began."""
    bars = _join(_running(each, now) for each in overview.running)
    return _section("Running", len(overview.running), bars, empty="Nothing is being evaluated now.")


def waiting(overview: Overview) -> Markup:
    """The queue in order."""
    items = _join(Markup("<li>{}</li>").format(_name(each)) for each in overview.waiting[:SHOWN])
    more = len(overview.waiting) - SHOWN
    rest = Markup('<p class="quiet">and {} more</p>').format(more) if more > 0 else ""
    content = Markup("<ol>{}</ol>{}").format(items, rest) if items else Markup()
    empty = "Nothing waits. What is submitted on the leaderboard appears here."
    return _section("Waiting", len(overview.waiting), content, empty=empty)


def events(overview: Overview) -> Markup:
    """What happened last, the newest first."""
    items = _join(_event(each) for each in overview.events)
    content = Markup("<ul>{}</ul>").format(items) if items else Markup()
    return _section("Last events", None, content, empty="Nothing has happened since this worker started.")


def _section(title: str, count: int | None, content: Markup, *, empty: str) -> Markup:
    number = "" if count is None else f" ({count})"
    inner = content or Markup('<p class="quiet">{}</p>').format(empty)
    return Markup('<section class="card"><h2>{}{}</h2>{}</section>').format(title, number, inner)


def _running(each: Running, now: datetime) -> Markup:
    seconds = max(0, int((now - each.started).total_seconds()))
    progress = each.progress
    return Markup(
        '<p>{name} <span class="quiet">attempt {attempt} · {minutes}:{seconds:02d} min</span></p>'
        '<div class="bar" role="progressbar" aria-label="{model}"'
        ' aria-valuenow="{percent}" aria-valuemin="0" aria-valuemax="100">'
        '<div style="width: {percent}%"></div></div><p class="quiet">{percent} % · {doing}</p>'
    ).format(
        name=_name(each.request),
        model=each.request.model,
        attempt=each.request.attempt,
        minutes=seconds // 60,
        seconds=seconds % 60,
        percent=f"{each.share * 100:.0f}",
        doing=f"{progress.task}: {progress.done} of {progress.total}" if progress else "loading the model",
    )


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

"""The queue as HTML: four tables, what runs with its progress, what failed with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from markupsafe import Markup, escape

from src.page.links import Links
from src.queue import Entry, Group
from src.shared.request import Attempt, Status

MOST = 200
"""Lines of a table; the queue's endpoint has all of them."""

EMPTY = {
    Group.RUNNING: "Nothing is being evaluated now.",
    Group.PENDING: "Nothing waits. What you submit appears here.",
    Group.FINISHED: "No evaluation has finished yet.",
    Group.FAILED: "No evaluation has failed.",
}
ICONS = {Group.RUNNING: "⚙️", Group.PENDING: "⏳", Group.FINISHED: "✅", Group.FAILED: "❌"}


class _Column(NamedTuple):
    header: str
    cell: Callable[[Entry, Links], str]


def label(group: Group, queue: Sequence[Entry]) -> str:
    """The heading of a table, with the number of its requests."""
    return f"{ICONS[group]} {group} ({len(queue):,})"


def queue_table(group: Group, queue: Sequence[Entry], links: Links) -> Markup:
    """The table of a group of requests, or a sentence when there are none."""
    if not queue:
        return Markup('<p class="quiet">{}</p>').format(EMPTY[group])
    columns = COLUMNS[group]
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(column.header) for column in columns)
    body = Markup("").join(_line(entry, columns, links) for entry in queue[:MOST])
    more = len(queue) - MOST
    return Markup(
        '<div class="queue" tabindex="0" role="region" aria-label="{}">'
        "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>{}"
    ).format(
        f"{group} requests",
        head,
        body,
        Markup('<p class="quiet">and {:,} more</p>').format(more) if more > 0 else "",
    )


def _line(entry: Entry, columns: Sequence[_Column], links: Links) -> Markup:
    cells = Markup("").join(Markup("<td>{}</td>").format(column.cell(entry, links)) for column in columns)
    return Markup("<tr>{}</tr>").format(cells)


def _model(entry: Entry, links: Links) -> Markup:
    return Markup("<bdi>{}</bdi>").format(links.model(entry.request.model))


def _revision(entry: Entry, links: Links) -> Markup:
    """What was asked for, and the commit that it is unless that was asked for."""
    revision, commit = entry.request.revision, entry.request.commit
    if not commit or revision == commit:
        return Markup("<bdi>{}</bdi>").format(revision[:12])
    return Markup("<bdi>{}</bdi> <code>{}</code>").format(revision, commit[:8])


def _reason(entry: Entry, links: Links) -> Markup:
    cancelled = "" if entry.request.status is Status.FAILED else f"{entry.request.status.capitalize()}. "
    reason = Markup('<span class="reason">{}{}</span>').format(
        cancelled, entry.reason or "No reason was kept."
    )
    return reason + _attempts(entry, links)


def _state(entry: Entry, links: Links) -> Markup:
    return Markup('<span class="reason">{}</span>').format(entry.reason) + _attempts(entry, links)


def _attempts(entry: Entry, links: Links) -> Markup:
    """What happened each time, folded away, with the logs."""
    attempts = entry.request.history
    if not attempts:
        return Markup()
    items = Markup("").join(
        Markup("<li>{} {}: {} {}</li>").format(
            _time(attempt.ended), attempt.end, attempt.message, _log(attempt, links)
        )
        for attempt in attempts
    )
    summary = f"{len(attempts)} attempts" if len(attempts) > 1 else "1 attempt"
    return Markup("<details><summary>{}</summary><ol>{}</ol></details>").format(summary, items)


def _log(attempt: Attempt, links: Links) -> Markup:
    has_address = attempt.log and links.results.address(attempt.log)
    return links.result(str(attempt.log), "log") if has_address else Markup()


def _files(entry: Entry, links: Links) -> Markup:
    """What there is to look at: the request's file, the result's, and the last attempt's log."""
    request, history = entry.request, entry.request.history
    files = [links.request(entry.path, "request")] if links.requests.address(entry.path) else []
    last = {"result": request.result, "log": history[-1].log if history else None}
    files += [links.result(path, name) for name, path in last.items() if path and links.results.address(path)]
    return Markup(" · ").join(files)


def _progress(entry: Entry, links: Links) -> Markup:
    progress, renewed = entry.request.progress, entry.renewed
    as_of = Markup('<span class="quiet">as of {}</span>').format(_time(renewed)) if renewed else Markup()
    if not progress or progress.total <= 0:
        return Markup("starting {}").format(as_of)
    done = min(max(progress.done, 0), progress.total)
    return Markup(
        '<progress value="{done}" max="{total}" aria-label="{task}"></progress> '
        "{task} {percent:.0f} % {as_of}"
    ).format(
        done=done, total=progress.total, task=progress.task, percent=100 * done / progress.total, as_of=as_of
    )


def _time(time: datetime | None) -> Markup:
    """To the minute, in UTC."""
    if time is None:
        return Markup()
    return Markup('<time datetime="{}">{}</time>').format(time.isoformat(), f"{time:%Y-%m-%d %H:%M}")


POSITION = _Column("#", lambda entry, _: escape(entry.position or ""))
MODEL = _Column("Model", _model)
REVISION = _Column("Revision", _revision)
PRECISION = _Column("Precision", lambda entry, _: escape(entry.request.precision))
WEIGHTS = _Column("Weights", lambda entry, _: escape(entry.request.weight_type))
SUBMITTED = _Column("Submitted (UTC)", lambda entry, _: _time(entry.request.submitted))
STARTED = _Column("Started (UTC)", lambda entry, _: _time(entry.started))
ENDED = _Column("Ended (UTC)", lambda entry, _: _time(entry.ended))
PROGRESS = _Column("Progress", _progress)
REASON = _Column("Reason", _reason)
FILES = _Column("Files", _files)
STATE = _Column("State", _state)

WHAT = [MODEL, REVISION, PRECISION, WEIGHTS]
COLUMNS = {
    Group.RUNNING: [*WHAT, STARTED, PROGRESS],
    Group.PENDING: [POSITION, *WHAT, SUBMITTED, STATE],
    Group.FINISHED: [*WHAT, SUBMITTED, ENDED, FILES],
    Group.FAILED: [MODEL, REASON, REVISION, PRECISION, WEIGHTS, ENDED, FILES],
}

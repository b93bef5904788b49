"""The queue as HTML: four tables, what runs with its progress, what failed with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from markupsafe import Markup, escape

from src.page.links import Links, request_link
from src.queue.entries import Entry, Group
from src.shared.data.request import Attempt, Status

MOST = 200
"""The most lines of a table; the queue's endpoint has all of them."""

EMPTY = {
    Group.RUNNING: "Nothing is being evaluated now.",
    Group.PENDING: "Nothing is waiting. Your submissions appear here.",
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
        '<div class="queue" data-keep="queue" tabindex="0" role="region" aria-label="{}">'
        "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>{}"
    ).format(
        f"{group} requests",
        head,
        body,
        Markup('<p class="quiet">and {:,} more</p>').format(more) if more > 0 else "",
    )


def _line(entry: Entry, columns: Sequence[_Column], links: Links) -> Markup:
    cells = Markup("").join(Markup("<td>{}</td>").format(column.cell(entry, links)) for column in columns)
    return Markup('<tr data-request="{}">{}</tr>').format(entry.path, cells)


def _model(entry: Entry, links: Links) -> Markup:
    return Markup("<bdi>{}</bdi>").format(links.model(entry.request.model))


def revision(entry: Entry, links: Links) -> Markup:
    """Return the requested revision, and its commit unless the request named a commit."""
    named, commit = entry.request.revision, entry.request.commit
    if not commit or named == commit:
        return Markup("<bdi>{}</bdi>").format(named[:12])
    return Markup("<bdi>{}</bdi> <code>{}</code>").format(named, commit[:8])


def _weights(entry: Entry) -> Markup:
    """The type of the weights, and whether prompts go through the model's chat template."""
    template = Markup(' <span class="quiet">chat template</span>') if entry.request.use_chat_template else ""
    return Markup("{}{}").format(entry.request.weight_type, template)


def _reason(entry: Entry, links: Links) -> Markup:
    cancelled = "" if entry.request.status is Status.FAILED else f"{entry.request.status.capitalize()}. "
    reason = Markup('<span class="reason">{}{}</span>').format(
        cancelled, entry.reason or "No reason was recorded."
    )
    return reason + attempts(entry, links)


def _state(entry: Entry, links: Links) -> Markup:
    return Markup('<span class="reason">{}</span>').format(entry.reason) + attempts(entry, links)


def attempts(entry: Entry, links: Links) -> Markup:
    """Return the history of attempts, folded away, with the logs."""
    history = entry.request.history
    if not history:
        return Markup()
    items = Markup("").join(
        Markup("<li>{} {}: {} {}</li>").format(
            time_text(attempt.ended), attempt.end, attempt.message, _log(attempt, links)
        )
        for attempt in history
    )
    number = sum(not attempt.is_by_a_person for attempt in history)
    summary = "What happened" if number < len(history) else f"{number} attempt{'s' * (number > 1)}"
    return Markup('<details data-keep="attempts"><summary>{}</summary><ol>{}</ol></details>').format(
        summary, items
    )


def _log(attempt: Attempt, links: Links) -> Markup:
    has_address = attempt.log and links.results.address(attempt.log)
    return links.result(str(attempt.log), "log") if has_address else Markup()


def _link(entry: Entry, links: Links) -> Markup:
    icon = Markup('<span role="img" aria-label="the request of {}">🔗</span>').format(entry.request.model)
    return request_link(entry.path, icon)


def files(entry: Entry, links: Links) -> Markup:
    """Return links to the request's file, the result's file and the last attempt's log."""
    request, history = entry.request, entry.request.history
    found = [links.request(entry.path, "request")] if links.requests.address(entry.path) else []
    last = {"result": request.result, "log": history[-1].log if history else None}
    found += [links.result(path, name) for name, path in last.items() if path and links.results.address(path)]
    return Markup(" · ").join(found)


def progress(entry: Entry, links: Links) -> Markup:
    """Return the progress of a running evaluation as a bar."""
    reached, renewed = entry.request.progress, entry.renewed
    as_of = Markup('<span class="quiet">as of {}</span>').format(time_text(renewed)) if renewed else Markup()
    if not reached or reached.total <= 0:
        return Markup("starting {}").format(as_of)
    done = min(max(reached.done, 0), reached.total)
    return Markup(
        '<progress value="{done}" max="{total}" aria-label="{task}"></progress> '
        "{task} {percent:.0f} % {as_of}"
    ).format(
        done=done, total=reached.total, task=reached.task, percent=100 * done / reached.total, as_of=as_of
    )


def time_text(time: datetime | None) -> Markup:
    """To the minute, in UTC."""
    if time is None:
        return Markup()
    return Markup('<time datetime="{}">{}</time>').format(time.isoformat(), f"{time:%Y-%m-%d %H:%M}")


POSITION = _Column("#", lambda entry, _: escape(entry.position or ""))
MODEL = _Column("Model", _model)
REVISION = _Column("Revision", revision)
PRECISION = _Column("Precision", lambda entry, _: escape(entry.request.precision))
WEIGHTS = _Column("Weights", lambda entry, _: _weights(entry))
SUBMITTED = _Column("Submitted (UTC)", lambda entry, _: time_text(entry.request.submitted))
STARTED = _Column("Started (UTC)", lambda entry, _: time_text(entry.started))
ENDED = _Column("Ended (UTC)", lambda entry, _: time_text(entry.ended))
PROGRESS = _Column("Progress", progress)
REASON = _Column("Reason", _reason)
FILES = _Column("Files", files)
STATE = _Column("State", _state)
LINK = _Column("Link", _link)

WHAT = [MODEL, REVISION, PRECISION, WEIGHTS]
COLUMNS = {
    Group.RUNNING: [*WHAT, STARTED, PROGRESS, LINK],
    Group.PENDING: [POSITION, *WHAT, SUBMITTED, STATE, LINK],
    Group.FINISHED: [*WHAT, SUBMITTED, ENDED, FILES, LINK],
    Group.FAILED: [MODEL, REASON, REVISION, PRECISION, WEIGHTS, ENDED, FILES, LINK],
}

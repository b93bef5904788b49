"""One request as HTML: where it stands, why, what happened, and what its submitter can do."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from src.checks import CAN_BE_ASKED_FOR_AGAIN
from src.page.links import Links, request_link
from src.page.queue_tables import ICONS, attempts, files, progress, revision, time_text
from src.queue.entries import Entry
from src.shared.data.request import WITHDRAWN, Status
from src.shared.errors import shown
from src.submitting.desk import CAN_BE_WITHDRAWN
from src.submitting.submitter import Submitter

WITHDRAW, AGAIN = "withdraw", "submit again"
"""The actions of the buttons; requests.js sends them to the server with the request's path."""

CONFIRM = "Stop the evaluation? It still counts as a submission."
"""The question of a button at the first press, if there is something to lose."""

MOST = 100
"""The most cards of one submitter that are shown; the queue's endpoint has all requests."""

WORDS = {
    Status.PENDING: "Waiting",
    Status.RUNNING: "Running",
    Status.FINISHED: "Finished",
    Status.FAILED: "Failed",
    Status.CANCELLED: "Cancelled",
}


def card(entry: Entry, links: Links, who: Submitter) -> Markup:
    """Return one request, with buttons for its submitter."""
    request = entry.request
    return Markup(
        '<article class="request {}" data-request="{}">'
        '<header><b><bdi>{}</bdi></b> <span class="state">{}</span></header>'
        '<p class="quiet">{}</p><p>{}</p>{}{}<footer>{}{}</footer></article>'
    ).format(
        request.status.lower(),
        entry.path,
        links.model(request.model),
        _state(entry),
        _what(entry, links),
        entry.reason,
        progress(entry, links) if request.status is Status.RUNNING else "",
        attempts(entry, links),
        _buttons(entry) if who.is_login(request.submitted_by) else "",
        Markup(" · ").join(filter(None, [files(entry, links), request_link(entry.path, "link to this")])),
    )


def cards(queue: Sequence[Entry], links: Links, who: Submitter) -> Markup:
    """The requests of one submitter, or a sentence when there are none."""
    if not queue:
        return Markup('<p class="quiet">You have not submitted a model yet.</p>')
    more = len(queue) - MOST
    rest = Markup('<p class="quiet">and {:,} more</p>').format(more) if more > 0 else Markup()
    return Markup("").join(card(entry, links, who) for entry in queue[:MOST]) + rest


def not_found(path: str) -> Markup:
    """In place of a request that is not there."""
    return Markup(
        '<div class="note bad" role="alert">There is no request {} here. See the tables below.</div>'
    ).format(shown(path))


def _state(entry: Entry) -> Markup:
    status, history = entry.request.status, entry.request.history
    icon = "🚫" if status is Status.CANCELLED else ICONS[entry.group]
    is_withdrawn = status is Status.CANCELLED and history and history[-1].end == WITHDRAWN
    place = f", position {entry.position}" if entry.position else ""
    return Markup("{} {}{}").format(icon, "Withdrawn" if is_withdrawn else WORDS[status], place)


def _what(entry: Entry, links: Links) -> Markup:
    request = entry.request
    by = f" by {request.submitted_by}" if request.submitted_by else ""
    return Markup("{} · {} · submitted{} {}").format(
        revision(entry, links), request.kind, by, time_text(request.submitted)
    )


def _buttons(entry: Entry) -> Markup:
    status = entry.request.status
    actions = [WITHDRAW] if status in CAN_BE_WITHDRAWN else []
    actions += [AGAIN] if status in CAN_BE_ASKED_FOR_AGAIN else []
    confirm = CONFIRM if status is Status.RUNNING else ""
    return Markup("").join(
        Markup(
            '<button type="button" data-action="{0}" data-keep="{0} {1}" data-confirm="{2}">{3}</button> '
        ).format(action, len(entry.request.history), confirm, action.capitalize())
        for action in actions
    )

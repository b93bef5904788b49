"""One request as HTML: where it stands, why, what happened, and what its submitter can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from src.checks import CAN_BE_ASKED_FOR_AGAIN
from src.page.html import render
from src.page.links import Links
from src.page.queue_tables import ICONS, more_than
from src.page.shown_request import ShownRequest
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
    Status.WAITING: "Waiting for approval",
    Status.PENDING: "Waiting",
    Status.RUNNING: "Running",
    Status.FINISHED: "Finished",
    Status.FAILED: "Failed",
    Status.CANCELLED: "Cancelled",
}


@dataclass(frozen=True)
class _Card(ShownRequest):
    """A request, with what its submitter can do about it."""

    who: Submitter

    @property
    def state(self) -> str:
        """Its state in a word, and its place in the queue."""
        status, history = self.request.status, self.request.history
        icon = "🚫" if status is Status.CANCELLED else ICONS[self.entry.group]
        is_withdrawn = status is Status.CANCELLED and history and history[-1].end == WITHDRAWN
        place = f", position {self.entry.position}" if self.entry.position else ""
        return f"{icon} {'Withdrawn' if is_withdrawn else WORDS[status]}{place}"

    @property
    def is_running(self) -> bool:
        """Whether it has progress to show."""
        return self.request.status is Status.RUNNING

    @property
    def actions(self) -> list[str]:
        """The buttons; other people see none."""
        if not self.who.is_login(self.request.submitted_by):
            return []
        can_be = {WITHDRAW: CAN_BE_WITHDRAWN, AGAIN: CAN_BE_ASKED_FOR_AGAIN}
        return [action for action, statuses in can_be.items() if self.request.status in statuses]

    @property
    def question(self) -> str:
        """The question of its buttons; empty if there is nothing to lose."""
        return CONFIRM if self.is_running else ""


def card(entry: Entry, links: Links, who: Submitter) -> Markup:
    """Return one request, with buttons for its submitter."""
    return render("request_cards.html", cards=[_Card(entry, links, who)], more="")


def cards(queue: Sequence[Entry], links: Links, who: Submitter) -> Markup:
    """The requests of one submitter, or a sentence when there are none."""
    if not queue:
        return Markup('<p class="quiet">You have not submitted a model yet.</p>')
    mine = [_Card(entry, links, who) for entry in queue[:MOST]]
    return render("request_cards.html", cards=mine, more=more_than(MOST, queue))


def not_found(path: str) -> Markup:
    """In place of a request that is not there."""
    return Markup(
        '<div class="note bad" role="alert">There is no request {} here. See the tables below.</div>'
    ).format(shown(path))

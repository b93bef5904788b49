"""One request as HTML: where it stands, why, what happened, and what its submitter or a maintainer can do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from src.checks import CAN_BE_ASKED_FOR_AGAIN
from src.maintaining.office import Step
from src.page.html import render
from src.page.links import Links
from src.page.queue_tables import ICONS, more_than
from src.page.shown_request import ShownRequest
from src.queue.entries import Entry
from src.queue.outlook import Outlook
from src.shared.data.request import WITHDRAWN, Request, Status
from src.shared.errors import LeaderboardError, shown
from src.shared.moderation.acts import LONGEST_REASON
from src.shared.moderation.steps import LIVE
from src.submitting.submitter import ANONYMOUS, Submitter

WITHDRAW, AGAIN = "withdraw", "submit again"
"""The actions of a submitter's buttons; requests.js sends them to the server with the request's path."""

CONFIRM = "Stop the evaluation? It still counts as a submission."
CONFIRM_CANCEL = "Stop the evaluation?"
"""The questions of buttons at the first press, if there is something to lose."""

ACTION_BOX, MAINTAIN_BOX = "action", "maintain-action"
"""The ids of the hidden boxes into which requests.js writes what was pressed."""

NO_BUTTON = "The page sent a button that does not exist. Reload it."

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

MAINTAINERS_BUTTONS: Mapping[Status, Mapping[Step, str]] = {
    Status.WAITING: {Step.APPROVE: "Approve", Step.REJECT: "Reject"},
    Status.PENDING: {Step.CANCEL: "Cancel"},
    Status.RUNNING: {Step.CANCEL: "Cancel"},
    Status.FINISHED: {Step.AGAIN: "Evaluate again"},
    Status.FAILED: {Step.AGAIN: "Try again"},
    Status.CANCELLED: {Step.AGAIN: "Try again"},
}
TAKE_A_REASON = (Step.REJECT, Step.CANCEL)


def read_press(pressed: str) -> tuple[str, str, str]:
    """Return the act, what it is about, and the reason, from what requests.js sends.

    Raises LeaderboardError if it is something else.
    """
    try:
        act, target, _, reason = json.loads(pressed)
    except (ValueError, TypeError, RecursionError):
        raise LeaderboardError(NO_BUTTON) from None
    if not all(isinstance(each, str) for each in (act, target, reason)):
        raise LeaderboardError(NO_BUTTON)
    return act, target, reason


def state_of(request: Request) -> str:
    """Return the state of a request as its card says it."""
    last = request.history[-1].end if request.history else ""
    is_withdrawn = request.status is Status.CANCELLED and last == WITHDRAWN
    return "Withdrawn" if is_withdrawn else WORDS[request.status]


class Button(NamedTuple):
    """A button of a card."""

    action: str
    label: str
    box: str
    question: str = ""
    """What it asks at the first press; empty if there is nothing to lose."""


@dataclass(frozen=True)
class _Card(ShownRequest):
    """A request, with what its submitter or a maintainer can do about it."""

    who: Submitter = ANONYMOUS
    maintains: bool = False
    """Whether a maintainer looks at it."""
    longest_reason: int = LONGEST_REASON

    @property
    def state(self) -> str:
        """Its state in words, and its place in the queue."""
        icon = "🚫" if self.request.status is Status.CANCELLED else ICONS[self.entry.group]
        place = f", position {self.entry.position}" if self.entry.position else ""
        return f"{icon} {state_of(self.request)}{place}"

    @property
    def is_running(self) -> bool:
        """Whether it has progress to show."""
        return self.request.status is Status.RUNNING

    @property
    def buttons(self) -> list[Button]:
        """The buttons; other people see none."""
        found = []
        if self.who.is_login(self.request.submitted_by):
            can_be = {WITHDRAW: LIVE, AGAIN: CAN_BE_ASKED_FOR_AGAIN}
            question = CONFIRM if self.is_running else ""
            found = [
                Button(action, action.capitalize(), ACTION_BOX, question)
                for action, statuses in can_be.items()
                if self.request.status in statuses
            ]
        question = CONFIRM_CANCEL if self.is_running else ""
        return found + [Button(step, label, MAINTAIN_BOX, question) for step, label in self._steps.items()]

    @property
    def takes_a_reason(self) -> bool:
        """Whether a maintainer's button sends a reason with it."""
        return any(step in TAKE_A_REASON for step in self._steps)

    @property
    def _steps(self) -> Mapping[Step, str]:
        return MAINTAINERS_BUTTONS[self.request.status] if self.maintains else {}


def card(
    entry: Entry, links: Links, who: Submitter, outlook: Outlook | None = None, *, maintains: bool = False
) -> Markup:
    """Return one request, with buttons for its submitter, and for a maintainer."""
    return render("request_cards.html", cards=[_Card(entry, links, outlook, who, maintains)], more="")


def cards_of_maintainers(
    queue: Sequence[Entry], links: Links, outlook: Outlook | None = None, *, most: int = MOST
) -> Markup:
    """Return requests with the buttons of maintainers."""
    shown_ones = [_Card(entry, links, outlook, maintains=True) for entry in queue[:most]]
    return render("request_cards.html", cards=shown_ones, more=more_than(most, queue))


def cards(queue: Sequence[Entry], links: Links, who: Submitter, outlook: Outlook | None = None) -> Markup:
    """The requests of one submitter, or a sentence when there are none."""
    if not queue:
        return Markup('<p class="quiet">You have not submitted a model yet.</p>')
    mine = [_Card(entry, links, outlook, who) for entry in queue[:MOST]]
    return render("request_cards.html", cards=mine, more=more_than(MOST, queue))


def not_found(path: str) -> Markup:
    """In place of a request that is not there."""
    return Markup(
        '<div class="note bad" role="alert">There is no request {} here. See the tables below.</div>'
    ).format(shown(path))

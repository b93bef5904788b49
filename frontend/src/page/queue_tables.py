"""The queue as HTML: five tables, what runs with its progress, what failed with its reason."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from markupsafe import Markup

from src.page.html import render
from src.page.links import Links
from src.page.shown_request import ShownRequest
from src.queue.entries import Entry, Group
from src.queue.outlook import Outlook

MOST = 200
"""The most lines of a table; the queue's endpoint has all of them."""

EMPTY = {
    Group.WAITING: "Nothing waits for approval.",
    Group.RUNNING: "Nothing is being evaluated now.",
    Group.PENDING: "Nothing is waiting. Your submissions appear here.",
    Group.FINISHED: "No evaluation has finished yet.",
    Group.FAILED: "No evaluation has failed.",
}
ICONS = {
    Group.WAITING: "✋",
    Group.RUNNING: "⚙️",
    Group.PENDING: "⏳",
    Group.FINISHED: "✅",
    Group.FAILED: "❌",
}


HEADERS = {
    "position": "#",
    "model": "Model",
    "revision": "Revision",
    "precision": "Precision",
    "weights": "Weights",
    "submitted": "Submitted (UTC)",
    "started": "Started (UTC)",
    "ended": "Ended (UTC)",
    "progress": "Progress",
    "expected": "Result expected",
    "reason": "Reason",
    "state": "State",
    "files": "Files",
    "link": "Link",
}
"""The headers of the columns, by the macro in request_parts.html that shows a cell."""

WHAT = ["model", "revision", "precision", "weights"]
COLUMNS = {
    Group.WAITING: [*WHAT, "submitted", "state", "link"],
    Group.RUNNING: [*WHAT, "started", "progress", "expected", "link"],
    Group.PENDING: ["position", *WHAT, "submitted", "expected", "state", "link"],
    Group.FINISHED: [*WHAT, "submitted", "ended", "files", "link"],
    Group.FAILED: ["model", "reason", "revision", "precision", "weights", "ended", "files", "link"],
}


def label(group: Group, queue: Sequence[Entry]) -> str:
    """The heading of a table, with the number of its requests."""
    return f"{ICONS[group]} {group} ({len(queue):,})"


def queue_table(
    group: Group,
    queue: Sequence[Entry],
    links: Links,
    outlook: Outlook | None = None,
    *,
    without: Collection[str] = (),
) -> Markup:
    """The table of a group of requests, or a sentence when there are none. `without` names columns."""
    if outlook is None:
        without = {*without, "expected"}
    if not queue:
        return Markup('<p class="quiet">{}</p>').format(EMPTY[group])
    return render(
        "queue_table.html",
        group=group,
        columns=[column for column in COLUMNS[group] if column not in without],
        headers=HEADERS,
        requests=[ShownRequest(entry, links, outlook) for entry in queue[:MOST]],
        more=more_than(MOST, queue),
    )


def more_than(most: int, queue: Sequence[Entry]) -> str:
    """Return how many requests are left out where only the first ones are shown; empty if none are."""
    return f"and {len(queue) - most:,} more" if len(queue) > most else ""

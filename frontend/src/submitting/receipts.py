"""What group commits write for submissions and for what people do to requests later, and their receipts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from src.queue.entries import entries
from src.shared.data.queue_order import DEFAULT
from src.shared.data.request import (
    APPROVED,
    CANCELLED,
    REJECTED,
    RERUN,
    RETRIED,
    WITHDRAWN,
    Request,
    write_request,
)
from src.submitting.group_commit import Change, Kind

SUBMIT = "Submit"
VERBS = {
    WITHDRAWN: "Withdraw",
    APPROVED: "Approve",
    REJECTED: "Reject",
    CANCELLED: "Cancel",
    RETRIED: "Evaluate again",
    RERUN: "Evaluate again",
}
"""The verbs of a commit's message, by the last entry of a request's history."""


class Receipt(NamedTuple):
    """A submission that is in the queue: its file, its content and its position there."""

    path: str
    request: Request
    position: int
    """Its place among those that wait, from 1; 0 if it does not wait."""


def submissions(order: Callable[[], Sequence[str]] = lambda: DEFAULT) -> Kind[Request, Receipt]:
    """Return what a group commit needs to know. `order` returns the rules of the queue's order."""

    def receipts(changes: Collection[Change[Request]], requests: Mapping[str, Request]) -> Sequence[Receipt]:
        def receipt(path: str, request: Request) -> Receipt:
            is_last = requests[path] is request  # else the same commit changed it again
            found = afterwards if is_last else _positions({**requests, path: request}, order())
            return Receipt(path, request, found[path])

        afterwards = _positions(requests, order())
        return [receipt(*change) for change in changes]

    return Kind(write_request, _message, receipts)


def _positions(requests: Mapping[str, Request], order: Sequence[str]) -> Mapping[str, int]:
    return {entry.path: entry.position or 0 for entry in entries(requests, order)}


def _message(change: Change[Request]) -> str:
    history = change.value.history
    return f"{VERBS.get(history[-1].end, SUBMIT) if history else SUBMIT} {change.path}"

"""The answers of the named endpoints to programs, in plain values."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import TypedDict

from src.board.board import Board
from src.columns import Column, Value, columns
from src.leaderboard.reproduction import reproductions
from src.leaderboard.rows import Row
from src.leaderboard.search import LONGEST, MOST_TERMS, MOST_WORDS, read_search
from src.maintaining.maintainers import Maintainer
from src.maintaining.office import Again, Office, Step
from src.queue.entries import Entry
from src.shared.data.request import ADAPTER, Progress, Status
from src.shared.errors import LeaderboardError, NotPossible, shown
from src.shared.moderation.acts import Act
from src.shared.times import to_text
from src.submitting.desk import Desk, NotAccepted
from src.submitting.form import Form, Refused
from src.submitting.receipts import Receipt
from src.submitting.submitter import ANONYMOUS, Submitter
from src.submitting.threads import Threads

log = logging.getLogger(__name__)

LOOKING_UP = Threads(30)
"""The threads for looking up submitted models: the Hub may be slow."""

ACTING = Threads(4)
"""The threads for what maintainers do to models, users and the board; a removal reads both datasets."""

UNEXPECTED = (
    "An unexpected error ({}). Check whether it was done, and tell the leaderboard's owner: the log shows "
    "where it happened."
)

FURTHEST = timedelta(days=3_650)
"""How far ahead a result is said to be at most: a hostile history would have it after the calendar ends."""

NO_ACT = f"There is no act {{}}. Choose one of {', '.join((*Step, *Again, *Act))}."

STEPPED = {
    Step.APPROVE: "is approved, and in the queue at position {}",
    Step.REJECT: "is rejected",
    Step.CANCEL: "is cancelled. A worker that evaluates it stops",
    Step.AGAIN: "will be evaluated again. It is in the queue at position {}",
}
"""What became of a request, given its position."""

TOO_LONG = (
    f"A search has at most {LONGEST:,} characters, and {MOST_TERMS} alternatives of {MOST_WORDS} words: "
    "shorten it."
)


class Mark(TypedDict):
    """Why a score may not be comparable with most of its column, or why the owner flagged a model.

    `row` counts from 0.
    """

    row: int
    header: str
    reason: str


class Leaderboard(TypedDict):
    """The whole table, the best row first; null where a value is unknown."""

    headers: list[str]
    rows: list[list[Value]]
    marks: list[Mark]


class Problem(TypedDict):
    """One problem of a submission."""

    field: str | None
    """The form's field, if the problem is about one."""
    message: str
    request: str | None
    """The path of the same request, if there already is one."""


class Answer(TypedDict):
    """The answer to a submission, or to what a maintainer did."""

    ok: bool
    message: str
    request: str | None
    """The path of its file. For a refusal, the path of the same request if there already is one."""
    problems: list[Problem]


def leaderboard(board: Board) -> Leaderboard:
    """Return all columns of all rows, with scores as on the page but not rounded."""
    all_columns = columns(board.standings.tasks)
    return {
        "headers": [column.header for column in all_columns],
        "rows": [[column.value_of(row) for column in all_columns] for row in board.standings.rows],
        "marks": marks(all_columns, board.standings.rows),
    }


def marks(shown: Sequence[Column], rows: Sequence[Row]) -> list[Mark]:
    """Return why cells of these columns and rows are marked."""
    return [
        {"row": place, "header": column.header, "reason": reason}
        for place, row in enumerate(rows)
        if row.is_marked
        for column in shown
        if column.mark and (reason := column.mark(row))
    ]


def reproduce(board: Board, search: str) -> list[dict[str, object]] | dict[str, str]:
    """Return the commands that reproduce the first rows of a search, with notes.

    A search that is too large gets an `error`.
    """
    if read_search(search).left_out:
        return {"error": TOO_LONG}
    found = reproductions(board.standings, search, local_models=board.local_models, description=board.backend)
    return [
        {
            "model": each.row.model,
            "commit": each.row.commit,
            "precision": each.row.precision,
            "weight_type": each.row.weight_type,
            "use_chat_template": each.row.use_chat_template,
            "notes": list(each.notes),
            "commands": list(each.commands),
        }
        for each in found
    ]


def queue(board: Board) -> list[dict[str, object]]:
    """Return all requests: running, waiting in order, then the others, the newest first."""
    return [_request(entry) | _expected(entry, board) for entry in board.queue]


async def submit(desk: Desk, form: Form, who: Submitter = ANONYMOUS) -> Answer:
    """Submit a model; it is in the queue when this returns. While it waits it needs no thread."""
    return await _answer(desk.hand_in, form, who)


async def submit_again(desk: Desk, path: str, who: Submitter) -> Answer:
    """Submit a request again that failed or was withdrawn."""
    return await _answer(desk.hand_in_again, path, who)


async def withdraw(desk: Desk, path: str, who: Submitter) -> Answer:
    """Withdraw a request; it is written when this returns."""
    return await _answer(desk.withdraw, path, who)


async def maintain(office: Office, act: str, target: str, reason: str, who: Maintainer) -> Answer:
    """Do what a maintainer wants; it is written, and the page shows it, when this returns.

    `target` is the request's file, the model or the user; of an act on the board it is not read. A rerun
    without a target is one of all models.
    """
    try:
        if act in set(Step):
            step = Step(act)
            receipt = await asyncio.wrap_future(office.step(step, target, reason, who))
            became = STEPPED[step].format(receipt.position)
            return _accepted(f"{_named(receipt)} {became}.", receipt.path)
        if act in set(Again):
            return _accepted(await ACTING.run(office.rerun, Again(act), target, who), None)
        if act not in set(Act):
            raise NotPossible(NO_ACT.format(shown(act)))
        return _accepted(await ACTING.run(office.act, Act(act), target, reason, who), None)
    except LeaderboardError as error:
        return refusal(error)
    except Exception as error:  # otherwise the button would wait for ever
        log.exception("could not do what a maintainer wanted")
        return refusal(unexpected(error))


def unexpected(error: Exception) -> LeaderboardError:
    """Return what to tell about an error that nobody expected; the log has the error itself."""
    return LeaderboardError(UNEXPECTED.format(type(error).__name__))


def refusal(error: LeaderboardError) -> Answer:
    """Return the answer to what was refused: a submission, a withdrawal, or what a maintainer wanted."""
    problems = [problem(each) for each in (error.problems if isinstance(error, NotAccepted) else [error])]
    request = next((each["request"] for each in problems if each["request"]), None)
    return {"ok": False, "message": str(error), "request": request, "problems": problems}


def problem(error: LeaderboardError) -> Problem:
    """Return one problem in plain values."""
    field, request = (error.field or None, error.request) if isinstance(error, Refused) else (None, None)
    return {"field": field, "message": str(error), "request": request}


async def _answer(hand_in: Callable[..., Future[Receipt]], *arguments: object) -> Answer:
    try:
        receipt = await asyncio.wrap_future(await LOOKING_UP.run(hand_in, *arguments))
    except LeaderboardError as error:
        return refusal(error)
    became = {
        Status.CANCELLED: "was withdrawn",
        Status.WAITING: "is handed in. A maintainer has to approve it before it is evaluated",
    }.get(receipt.request.status, f"is in the queue, at position {receipt.position}")
    return _accepted(f"{_named(receipt)} {became}.", receipt.path)


def _named(receipt: Receipt) -> str:
    request = receipt.request
    return f"{request.model} (commit {(request.commit or '')[:8]}, {request.kind})"


def _accepted(message: str, request: str | None) -> Answer:
    return {"ok": True, "message": message, "request": request, "problems": []}


def _request(entry: Entry) -> dict[str, object]:
    request, progress = entry.request, entry.request.progress
    is_adapter = request.weight_type == ADAPTER
    return {
        "model": request.model,
        "revision": request.revision,
        "commit": request.commit,
        "precision": request.precision,
        "weight_type": request.weight_type,
        "use_chat_template": request.use_chat_template,
        "base_model": request.base_model if is_adapter else None,
        "base_commit": request.base_commit if is_adapter else None,
        "status": request.status.value,
        "position": entry.position,
        "submitted_by": request.submitted_by,
        "submitted_time": request.submitted_time,
        "started": _time(entry.started),
        "renewed": _time(entry.renewed),
        "ended": _time(entry.ended),
        "progress": _progress(progress) if progress else None,
        "hardware": request.lease.hardware if request.lease else None,
        "price": request.lease.price if request.lease else None,
        "message": entry.reason,
        "request": entry.path,
        "result": request.result,
    }


def _expected(entry: Entry, board: Board) -> dict[str, object]:
    """Return between which times a running or pending request will have its result, and that in words."""
    is_open = entry.request.status in (Status.RUNNING, Status.PENDING)
    estimate = board.outlook.of(entry.path) if is_open else None
    range = estimate.range if estimate else None
    return {
        "expected": estimate.words if estimate else None,
        "expected_from": _time(board.as_of + min(range.low, FURTHEST)) if range else None,
        "expected_to": _time(board.as_of + min(range.high, FURTHEST)) if range else None,
    }


def _progress(progress: Progress) -> dict[str, object]:
    return {
        "task": progress.task,
        "done": progress.done,
        "total": progress.total,
        "phase": progress.phase.value if progress.phase else None,
    }


def _time(time: datetime | None) -> str | None:
    return to_text(time) if time else None

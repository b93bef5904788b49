"""What the named endpoints answer to programs: the leaderboard, the queue, a submission, in plain values."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TypedDict

from anyio import to_thread

from src.board import Board
from src.checks import Form
from src.columns import Value, columns
from src.queue import Entry
from src.reproduction import reproductions
from src.shared.errors import LeaderboardError
from src.shared.times import to_text
from src.submission import Desk


class Leaderboard(TypedDict):
    """The whole table, the best row first; null where a value is unknown."""

    headers: list[str]
    rows: list[list[Value]]


class Answer(TypedDict):
    """What became of a submission; `request` is the path of its file, or null when it was refused."""

    ok: bool
    message: str
    request: str | None


def leaderboard(board: Board) -> Leaderboard:
    """All columns of all rows, with scores as the page shows them but not rounded."""
    all_columns = columns(board.standings.tasks)
    return {
        "headers": [column.header for column in all_columns],
        "rows": [[column.value(row) for column in all_columns] for row in board.standings.rows],
    }


def reproduce(board: Board, search: str) -> list[dict[str, object]]:
    """The commands that compute the first rows again that a search finds, and what to know about them."""
    found = reproductions(board.standings, search, local_models=board.local_models, description=board.backend)
    return [
        {
            "model": each.row.model,
            "commit": each.row.commit,
            "precision": each.row.precision,
            "weight_type": each.row.weight_type,
            "notes": list(each.notes),
            "commands": list(each.commands),
        }
        for each in found
    ]


def queue(board: Board) -> list[dict[str, object]]:
    """All requests: those that run, those that wait in their order, then the others, the newest first."""
    return [_request(entry) for entry in board.queue]


async def submit(desk: Desk, form: Form) -> Answer:
    """Hand in a submission; it is in the queue when this returns. While it waits there it needs no thread."""
    try:
        receipt = await asyncio.wrap_future(await to_thread.run_sync(desk.hand_in, form))
    except LeaderboardError as error:
        return {"ok": False, "message": str(error), "request": None}
    message = (
        f"{receipt.request.model} (commit {(receipt.request.commit or '')[:8]}, {receipt.request.precision}, "
        f"{receipt.request.weight_type}) is in the queue, at position {receipt.position}."
    )
    return {"ok": True, "message": message, "request": receipt.path}


def _request(entry: Entry) -> dict[str, object]:
    request, progress = entry.request, entry.request.progress
    return {
        "model": request.model,
        "revision": request.revision,
        "commit": request.commit,
        "precision": request.precision,
        "weight_type": request.weight_type,
        "status": request.status.value,
        "position": entry.position,
        "submitted_time": request.submitted_time,
        "started": _time(entry.started),
        "renewed": _time(entry.renewed),
        "ended": _time(entry.ended),
        "progress": {"task": progress.task, "done": progress.done, "total": progress.total}
        if progress
        else None,
        "message": entry.reason,
        "request": entry.path,
        "result": request.result,
    }


def _time(time: datetime | None) -> str | None:
    return to_text(time) if time else None

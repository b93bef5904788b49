"""Makes a board: from what was read of the two datasets, and from what about.py says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from src.board.board import Board
from src.columns import AFTER_TASKS, BEFORE_TASKS, faults
from src.leaderboard.agreement import differences
from src.leaderboard.merging import standings
from src.queue.entries import entries
from src.shared.data.backend_description import BackendDescription
from src.shared.data.names import ACTS, BACKEND_DESCRIPTION, BLOCKLIST, FLAGS, place_of
from src.shared.data.old_template import OLD_BACKEND, belongs_to_an_old_backend
from src.shared.data.queue_order import DEFAULT
from src.shared.data.reasons import Reasons
from src.shared.data.request import Request
from src.shared.data.result import Result
from src.shared.errors import BadFile
from src.shared.models.model_source import Presence
from src.shared.moderation.acts import Act, Moderation
from src.shared.moderation.blocklist import Blocklist, united, why_closed, with_acts
from src.shared.stores.mirror import Reading
from src.tasks import Task

NOTHING_CHECKED: Mapping[str, Presence] = MappingProxyType({})
"""Used until the first check of which models are still on the Hub."""

COLUMN_FAILS = (
    "The column {!r} fails with {}: {}. Its cells are empty where it fails. Fix it in src/columns.py. The "
    "log shows where it fails."
)


@dataclass(frozen=True)
class About:
    """The owner's settings in about.py."""

    tasks: Sequence[Task]
    """The columns of scores."""

    num_fewshot: int | None = None
    """The number of examples before each question; None means each task's own default."""

    rank_mixed: bool = True
    """Whether marked scores count for average and rank."""

    hints: tuple[str, ...] = ()
    """Sentences for the owner about what in the file has no effect."""


class Readings(NamedTuple):
    """What a board is made of. Each part stays the same object until it changes."""

    requests: Reading[Request]
    blocked: Reading[Blocklist]
    results: Reading[Result]
    backend: Reading[BackendDescription]
    flags: Reading[Reasons]
    moderation: Moderation
    presences: Mapping[str, Presence]
    """What the Hub said about each model, if it has been asked."""

    def is_same(self, other: Readings) -> bool:
        """Return whether the same board would follow."""
        return all(part is old for part, old in zip(self, other, strict=True))


def make_board(
    read: Readings,
    about: About,
    *,
    requests: str,
    results: str,
    local_models: frozenset[str],
    now: datetime,
) -> tuple[Board, Mapping[str, Exception]]:
    """Return the board, and the error behind each sentence of its `failing_columns`.

    `requests` and `results` are the names of the datasets, for people.
    """
    by_hand, files = blocklist(read.blocked), read.results.snapshot.files
    blocked, flags = with_acts(by_hand, read.moderation), read.flags.values.get(FLAGS, {})
    shown = {
        path: result
        for path, result in read.results.values.items()
        if not blocked.is_hidden(result.model)
        and not read.moderation.is_of_before_a_removal(result.model, result.began)
    }
    backend = read.backend.values.get(place_of(BACKEND_DESCRIPTION, read.backend.snapshot.files))
    table = standings(
        about.tasks,
        read.requests.values,
        shown.values(),
        read.presences,
        flags=united(flags, read.moderation.reasons(Act.FLAG)),
        rank_mixed=about.rank_mixed,
        backend=backend,
    )
    failing = {
        COLUMN_FAILS.format(header, type(fault).__name__, fault): fault
        for header, fault in faults([*BEFORE_TASKS, *AFTER_TASKS], table.rows).items()
    }
    board = Board(
        standings=table,
        queue=entries(read.requests.values, queue_order(backend)),
        results=frozenset((path, files[path]) for path in shown),
        broken=(
            *_skipped(requests, {**read.requests.broken, **read.blocked.broken, **read.flags.broken}),
            *_skipped(results, {**read.results.broken, **read.backend.broken}),
        ),
        local_models=local_models,
        backend=backend,
        hints=about.hints,
        differences=differences(about.tasks, about.num_fewshot, backend) if backend else (),
        failing_columns=tuple(failing),
        moderation=read.moderation,
        blocked_by_hand=by_hand,
        blocklist_path=place_of(BLOCKLIST, read.blocked.snapshot.files),
        flagged_by_hand=flags,
        as_of=now,
    )
    return board, failing


def moderation(reading: Reading[Moderation], before: Moderation) -> Moderation:
    """Return what maintainers did, from a reading of the requests dataset.

    While the file cannot be understood, the acts of `before` stay: those that were read last.
    """
    if ACTS in reading.broken:
        return replace(before, broken=reading.broken[ACTS].removesuffix(f" {BadFile.remedy}").rstrip("."))
    return reading.values.get(ACTS, Moderation())


def blocklist(reading: Reading[Blocklist]) -> Blocklist:
    """Return the owner's blocklist in a reading of the requests dataset."""
    place = place_of(BLOCKLIST, reading.snapshot.files)
    if place in reading.broken:
        reason = reading.broken[place].removesuffix(f". {BadFile.remedy}")  # submitters read it too
        return Blocklist(broken=reason)
    return reading.values.get(place, Blocklist())


def closed(board: Board) -> str:
    """Return why submissions are closed although the dataset can be written; empty if they are open."""
    if by_maintainers := why_closed(board.moderation):
        return by_maintainers
    requests = board.requests.values()
    is_old = belongs_to_an_old_backend(requests, has_a_description=board.backend is not None)
    return OLD_BACKEND if is_old else ""


def queue_order(backend: BackendDescription | None) -> Sequence[str]:
    """Return the rules of the queue's order that the backend publishes."""
    return backend.queue_order if backend and backend.queue_order else DEFAULT


def _skipped(dataset: str, broken: Mapping[str, str]) -> list[str]:
    return [f"{path} in {dataset} was skipped: {sentence}" for path, sentence in sorted(broken.items())]

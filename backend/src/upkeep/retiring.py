"""Ends or freezes a board: closes submissions with a sentence, and cancels what waits, in one commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from src.shared.data.names import ACTS
from src.shared.data.request import Request, Status, read_request, write_request
from src.shared.index.indexes import REQUESTS_INDEX
from src.shared.moderation.acts import Act, Done, acts_with, moderation_to_change
from src.shared.moderation.steps import cancelled
from src.shared.stores.conflicts import Commit, update
from src.shared.stores.mirror import Mirror, Reading
from src.shared.stores.store import Snapshot, Store
from src.shared.times import Clock, utc_now

WAITS = (Status.WAITING, Status.PENDING)


@dataclass(frozen=True, kw_only=True)
class Retired:
    """A board that was closed, and its requests."""

    news: bool
    """Whether it was open before, or closed with another sentence."""
    cancelled: int
    waiting: int
    """The number of requests that still wait."""
    running: int
    """The number of those that still run."""


def retire(
    store: Store,
    reason: str,
    *,
    by: str | None,
    freeze: bool = False,
    cancel_running: bool = False,
    clock: Clock = utc_now,
) -> Retired:
    """Close a board, and cancel what waits unless it is only to `freeze`. Doing it again changes nothing.

    `reason` is shown to visitors and submitters. Raises NotPossible for one that is too long, and StoreError.
    """
    mirror = Mirror(store, lambda _, data: read_request(data), index=REQUESTS_INDEX)
    statuses = () if freeze else (*WAITS, *([Status.RUNNING] if cancel_running else []))
    gone: dict[str, Request] = {}
    acts: tuple[Done, ...] = ()

    def decide(reading: Reading[Request]) -> Commit | None:
        nonlocal gone, acts
        now = clock()
        gone = {
            path: cancelled(request, by=by, reason=reason, now=now)
            for path, request in reading.values.items()
            if request.status in statuses
        }
        acts = _closing(store, reading.snapshot, reason, by=by, now=now)
        files = {path: write_request(request) for path, request in gone.items()}
        if acts:
            files[ACTS] = acts_with(store, reading.snapshot, *acts)
        verb = "freeze" if freeze else "retire"
        return Commit(reading.snapshot, f"{verb} the board ({by or 'a command'})", files) if files else None

    reading = update(store, mirror.refresh_whole, decide)
    after: Mapping[str, Request] = {**reading.values, **gone}
    counts = [each.status for each in after.values()]
    return Retired(
        news=bool(acts),
        cancelled=len(gone),
        waiting=sum(counts.count(status) for status in WAITS),
        running=counts.count(Status.RUNNING),
    )


def _closing(
    store: Store, snapshot: Snapshot, reason: str, *, by: str | None, now: datetime
) -> tuple[Done, ...]:
    """Return the acts that close the board with this sentence. It is opened first if it has another one."""
    closed = moderation_to_change(store, snapshot).closed
    if closed and closed.reason == reason:
        return ()
    close = Done(act=Act.CLOSE, name="", reason=reason, by=by, at=now)
    return (Done(act=Act.OPEN, name="", by=by, at=now), close) if closed else (close,)


def reopen(store: Store, *, by: str | None, clock: Clock = utc_now) -> Done | None:
    """Open a board again, and return the act that had closed it; None if it is open. Raises StoreError."""
    closed: Done | None = None

    def decide(snapshot: Snapshot) -> Commit | None:
        nonlocal closed
        closed = moderation_to_change(store, snapshot).closed
        if closed is None:
            return None
        done = Done(act=Act.OPEN, name="", by=by, at=clock())
        files = {ACTS: acts_with(store, snapshot, done)}
        return Commit(snapshot, f"open the board ({by or 'a command'})", files)

    update(store, store.snapshot, decide)
    return closed

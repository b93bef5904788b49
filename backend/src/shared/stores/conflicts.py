"""Reading and writing against other writers: a conflict means to read again and decide again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from ..errors import Conflict, StoreError
from .store import Snapshot, Store

R = TypeVar("R")
T = TypeVar("T")

TRIES = 20
"""Enough for a dozen writers at once, and some seconds in all."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.01, 1.0


@dataclass(frozen=True)
class Commit:
    """What one commit writes."""

    parent: Snapshot
    """The snapshot that it was decided on."""

    message: str
    add: Mapping[str, bytes]
    """The files to write, by path."""

    delete: Collection[str] = ()
    """The paths of the files to delete."""


def update(store: Store, read: Callable[[], R], decide: Callable[[R], Commit | None]) -> R:
    """Commit what `decide` makes of a reading; after a conflict, read again and decide again.

    Returns the reading that the commit, or the decision to write nothing (None), rests on. Raises StoreError.
    """

    def attempt() -> R:
        reading = read()
        commit = decide(reading)
        if commit:
            store.commit(add=commit.add, delete=commit.delete, message=commit.message, parent=commit.parent)
        return reading

    return without_conflict(
        attempt, f"Could not write to {store}: others wrote to it at each of {TRIES} tries."
    )


def beginning_with(first: R, read: Callable[[], R]) -> Callable[[], R]:
    """Return a `read` for `update` that returns `first` at first, and reads anew after a conflict."""
    readings = chain([first], iter(read, None))
    return lambda: next(readings)


def without_conflict(attempt: Callable[[], T], failure: str) -> T:
    """Call `attempt` until it raises no Conflict, with random, growing pauses, which differ between writers.

    Raises StoreError with the sentence `failure` after TRIES conflicts.
    """
    for number in range(TRIES):
        try:
            return attempt()
        except Conflict:
            time.sleep(random.uniform(0, min(FIRST_PAUSE_SECONDS * 2**number, LONGEST_PAUSE_SECONDS)))
    raise StoreError(failure)

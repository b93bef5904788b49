"""Writes reruns into the requests dataset in few commits, and decides again if others wrote meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeVar

from ..data.backend_description import read_description
from ..data.names import ACTS, BACKEND_DESCRIPTION, BLOCKLIST, place_of
from ..data.reports import read_result
from ..data.request import read_request, write_request
from ..errors import BadFile, NotPossible, StoreError, named
from ..index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from ..stores.conflicts import Commit, update
from ..stores.mirror import Mirror
from ..stores.own_file import own_file
from ..stores.store import Snapshot, Store
from ..times import Clock, utc_now
from .acts import Moderation, read_acts
from .blocklist import Blocklist, read_blocklist
from .rerun_requests import Rerun
from .rerun_rows import Records
from .rerun_tasks import Selection
from .reruns import plan_reruns

T = TypeVar("T")

IN_ONE_COMMIT = 1_000
"""Requests that are written at once: one or two megabytes, and four calls to learn how to upload them."""

NO_DESCRIPTION = (
    "There is no {} in {} yet, which says what the tasks are: start the worker, which writes it. "
    "`python -m src.suite` shows whether the suite has problems."
)

Read = Callable[[], Records]
"""Reads both datasets as they are now. Raises StoreError, and NotPossible if no backend describes itself."""


def reader(requests: Store, results: Store) -> Read:
    """Return what reads the datasets: all at first, and then only what changed."""
    asked = Mirror(requests, lambda _, data: read_request(data), index=REQUESTS_INDEX)
    computed = Mirror(results, read_result, index=RESULTS_INDEX)

    def read() -> Records:
        found = computed.refresh_whole()
        current = asked.refresh_whole()  # last: less time before their commit means fewer conflicts
        description = _read(results, found.snapshot, BACKEND_DESCRIPTION, read_description)
        if description is None:
            raise NotPossible(NO_DESCRIPTION.format(BACKEND_DESCRIPTION, results))
        acts = _read(requests, current.snapshot, ACTS, read_acts)
        blocked = _read(requests, current.snapshot, BLOCKLIST, read_blocklist)
        return Records(current, found, description, acts or Moderation(), blocked or Blocklist())

    return read


def write_reruns(
    store: Store,
    read: Read,
    selection: Selection,
    *,
    by: str | None,
    clock: Clock = utc_now,
    most: int = IN_ONE_COMMIT,
) -> list[Rerun]:
    """Write what is computed again into the requests dataset, and return it: `most` requests a commit.

    If somebody else writes meanwhile, everything is read and decided again. Raises NotPossible as
    `plan_reruns` does, and StoreError: then some commits may have been made, and a second call goes on.
    """
    written: dict[str, Rerun] = {}
    batch: list[Rerun] = []

    def decide(records: Records) -> Commit | None:
        nonlocal batch
        wanted = plan_reruns(selection, records, by=by, now=clock()).wanted
        batch = list(islice((each for each in wanted if each.path not in written), most))
        add = {each.path: write_request(each.request) for each in batch}
        return Commit(records.requests.snapshot, _message(batch, by), add) if add else None

    while True:
        update(store, read, decide)
        written |= {each.path: each for each in batch}
        if len(batch) < most:
            return list(written.values())


def _message(batch: Sequence[Rerun], by: str | None) -> str:
    tasks = named(list(dict.fromkeys(task for each in batch for task in each.tasks)))
    return f"evaluate {len(batch)} again on {tasks} ({by or 'a command'})"


def _read(store: Store, snapshot: Snapshot, path: str, parse: Callable[[bytes], T]) -> T | None:
    """Return what one of our own files says; None if there is none. Raises StoreError, with its name."""
    try:
        return own_file(store, snapshot, path, parse)
    except BadFile as error:
        place = place_of(path, snapshot.files)
        raise StoreError(f"{place} in {store} cannot be read: {error.sentence}") from None

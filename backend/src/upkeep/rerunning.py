"""Has scores computed again from the command line: says which, asks, and writes the requests."""

from __future__ import annotations

from collections.abc import Callable, Collection

from src.shared.errors import counted, named
from src.shared.moderation.rerun_commits import reader, write_reruns
from src.shared.moderation.rerun_tasks import Selection, entries_of
from src.shared.moderation.reruns import plan_reruns
from src.shared.moderation.reruns_in_words import told
from src.shared.stores.store import Store
from src.shared.times import Clock, utc_now

NOTHING = "Nothing needs to be computed again."
WRITTEN = "Wrote {}. Workers evaluate what visitors submit first."
NOT_DONE = "Nothing was written."
DRY = "Nothing was written, because of --dry-run."
NOT_ANNOUNCED = (
    "The settings here name {}, which backend.yaml does not have yet. If the board should have it, first "
    "start the worker with these settings: it writes backend.yaml."
)

Confirm = Callable[[str], bool]
"""Asks a question, and returns whether the answer is yes."""


def rerun(
    requests: Store,
    results: Store,
    selection: Selection,
    *,
    by: str | None,
    say: Callable[[str], None],
    confirm: Confirm,
    dry_run: bool = False,
    suite: Collection[str] = (),
    clock: Clock = utc_now,
) -> bool:
    """Have what is selected evaluated again, and return whether all is as wanted.

    `suite` has the tasks in the settings here. Raises NotPossible and StoreError.
    """
    read = reader(requests, results)
    records = read()
    if missing := [task for task in suite if task not in entries_of(records.description)]:
        say(NOT_ANNOUNCED.format(named(missing)))
    reruns = plan_reruns(selection, records, by=by, now=clock())
    for line in told(reruns, records.description, requests):
        say(line)
    if not reruns.wanted or dry_run:
        say(DRY if reruns.wanted else NOTHING)
        return True
    if not confirm(f"Write {counted(len(reruns.wanted), 'request')} to {requests}?"):
        say(NOT_DONE)
        return False
    written = write_reruns(requests, read, selection, by=by, clock=clock)
    say(WRITTEN.format(counted(len(written), "request")))
    return True

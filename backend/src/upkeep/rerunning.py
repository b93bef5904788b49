"""Evaluating again from the command line: says what will be computed, asks, and writes it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from math import ceil

from src.shared.data.backend_description import BackendDescription
from src.shared.errors import unquoted
from src.shared.moderation.rerun_commits import IN_ONE_COMMIT, reader, write_reruns
from src.shared.moderation.reruns import LeftAlone, Reruns, Selection, entries_of, named, plan_reruns
from src.shared.stores.store import Store
from src.shared.times import Clock, utc_now

NOTHING = "Nothing needs to be computed again."
WRITTEN = "Wrote {}. A worker evaluates what visitors submit first."
NOT_DONE = "Nothing was written."
DRY = "Nothing was written, because of --dry-run."
NOT_ANNOUNCED = (
    "The settings here name {}, which backend.yaml does not have yet. If the board should have that, first "
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

    `suite` has the names in the settings here. Raises NotPossible and StoreError.
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


def told(reruns: Reruns, description: BackendDescription, requests: Store) -> Iterator[str]:
    """Yield what will be computed, what is left alone and why, and what that takes, in lines."""
    if reruns.wanted:
        rows, tasks = counted(len(reruns.wanted), "row"), counted(reruns.evaluations, "evaluation")
        yield f"{rows} of the board will be computed again, {tasks} of a task in all:"
        per_task = Counter(task for each in reruns.wanted for task in each.tasks)
        yield from (
            f"  {unquoted(task)}: {counted(per_task[task], 'row')}"
            for task in entries_of(description)
            if per_task[task]
        )
        if new := sum(each.is_new for each in reruns.wanted):
            yield f"{counted(new, 'result')} without a request will get one."
    if reruns.left:
        yield f"{counted(len(reruns.left), 'row')} will be left alone:"
        yield from _reasons(reruns.left)
    if reruns.wanted:
        commits = counted(ceil(len(reruns.wanted) / IN_ONE_COMMIT), "commit")
        yield f"That takes {commits} to {requests}."


def _reasons(left: Collection[LeftAlone]) -> Iterator[str]:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for each in left:
        by_reason[each.why].append(f"{each.model} ({each.kind})")
    for why, rows in sorted(by_reason.items(), key=lambda pair: -len(pair[1])):
        yield f"  {len(rows)}: {why} {named(rows)}"


def counted(number: int, thing: str) -> str:
    """Return a number with a noun: `1 row`, `2 rows`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"

"""What is computed again, and what is left alone and why, in lines for people."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from datetime import timedelta
from math import ceil, fsum

from ..data.backend_description import BackendDescription
from ..data.dollars import at_most
from ..errors import counted, named, unquoted
from ..stores.store import Store
from ..times import hours_and_minutes
from .rerun_commits import IN_ONE_COMMIT
from .rerun_requests import Rerun
from .rerun_tasks import entries_of
from .reruns import LeftAlone, Reruns


def told(reruns: Reruns, description: BackendDescription, requests: Store) -> Iterator[str]:
    """Yield what will be computed, what is left alone and why, and what that takes, in lines."""
    if reruns.wanted:
        rows, tasks = counted(len(reruns.wanted), "row"), counted(reruns.evaluations, "task evaluation")
        yield f"{rows} of the board will be computed again, {tasks} in all:"
        per_task = Counter(task for each in reruns.wanted for task in each.tasks)
        yield from (
            f"  {unquoted(task)}: {counted(per_task[task], 'row')}"
            for task in entries_of(description)
            if per_task[task]
        )
        yield from _what_it_took(reruns.wanted)
        if new := sum(each.is_new for each in reruns.wanted):
            yield f"{counted(new, 'result')} without a request will get one."
    if reruns.left:
        yield f"{counted(len(reruns.left), 'row')} will be left alone:"
        yield from _reasons(reruns.left)
    if reruns.wanted:
        commits = counted(ceil(len(reruns.wanted) / IN_ONE_COMMIT), "commit")
        yield f"That takes {commits} to {requests}."


def _what_it_took(wanted: Collection[Rerun]) -> Iterator[str]:
    """Say what the newest evaluations of these rows took. Of what is unknown, say of how many."""
    times = [each.newest.seconds for each in wanted if each.newest.seconds is not None]
    if not times:
        return
    prices = [each.newest.dollars for each in wanted if each.newest.dollars is not None]
    time = hours_and_minutes(timedelta(seconds=fsum(times)))
    is_one = len(wanted) == 1
    took = f"Its newest evaluation took {time}" if is_one else f"Their newest evaluations took {time} in all"
    took += f", which cost {at_most(fsum(prices))}" if prices else ""
    unknown = {"time": len(wanted) - len(times), "cost": len(wanted) - len(prices) if prices else 0}
    gaps = [
        f"{counted(number, 'row')} {'has' if number == 1 else 'have'} no recorded {what}"
        for what, number in unknown.items()
        if number
    ]
    yield f"{took}{' (' + ', '.join(gaps) + ')' if gaps else ''}."


def _reasons(left: Collection[LeftAlone]) -> Iterator[str]:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for each in left:
        by_reason[each.why].append(f"{each.model} ({each.kind})")
    for why, rows in sorted(by_reason.items(), key=lambda pair: -len(pair[1])):
        yield f"  {why.removesuffix('.')} ({counted(len(rows), 'row')}): {named(rows)}"

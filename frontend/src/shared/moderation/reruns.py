"""What is computed again when a maintainer wants scores anew: which rows, on which tasks, by what request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ..errors import NotPossible
from .rerun_requests import Rerun, rerun_of
from .rerun_rows import Records, rows_of
from .rerun_tasks import Selection, needed, tasks_wanted


class LeftAlone(NamedTuple):
    """A row that is not computed again."""

    model: str
    kind: str
    """How it is evaluated, in words."""
    why: str


@dataclass(frozen=True)
class Reruns:
    """What is computed again, and what is not."""

    wanted: tuple[Rerun, ...] = ()
    left: tuple[LeftAlone, ...] = ()

    @property
    def evaluations(self) -> int:
        """How many tasks are computed, over all rows."""
        return sum(len(each.tasks) for each in self.wanted)


def plan_reruns(selection: Selection, records: Records, *, by: str | None, now: datetime) -> Reruns:
    """Return what is computed again. Raises NotPossible for a task or model that is not there."""
    wanted_tasks = tasks_wanted(selection, records.description)
    taken = set(records.requests.snapshot.files)
    wanted: list[Rerun] = []
    left: list[LeftAlone] = []
    for row in rows_of(records, selection.models):
        try:
            tasks = needed(selection, row, records.description, wanted_tasks)
            rerun = rerun_of(row, tasks, records, taken, by=by, now=now)
        except NotPossible as reason:
            left.append(LeftAlone(row.result.model, row.kind, str(reason)))
            continue
        taken.add(rerun.path)
        wanted.append(rerun)
    return Reruns(tuple(wanted), tuple(left))

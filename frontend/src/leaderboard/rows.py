"""A row of the leaderboard, and all rows together.

One row is one model, precision, weight type and use of the chat template. It shows one commit; other commits
are its history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from src.leaderboard.derived import Derived
from src.leaderboard.scoring import TaskColumn
from src.shared.data.request import Request
from src.shared.data.result import UNKNOWN_TIME, Result


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table. What is known per task is in the order of the tasks."""

    model: str
    precision: str
    weight_type: str
    use_chat_template: bool = False
    commit: str | None
    scores: tuple[float | None, ...]
    """The scores as people read them; None if missing."""
    errors: tuple[float | None, ...]
    """The standard errors of the scores, on the same scale; None if unknown."""
    samples: tuple[int | None, ...]
    """The numbers of questions that the scores are of; None if unknown."""
    sources: tuple[Result | None, ...]
    """The results that the scores are from."""
    marks: tuple[str, ...] = ()
    """Why a score may not be comparable with most of its column, in a sentence; empty where it is."""
    average: float | None
    """The mean of the higher-is-better tasks that are in the average; None unless all of them count."""
    groups: tuple[float | None, ...] = ()
    """The mean of each group of tasks; None unless all of them count."""
    done: int
    """How many tasks of the average have a score that counts. If lower is better for all tasks, they count
    here.
    """
    total: int
    standing: float | None
    """The value that ranks the row: its average, if the leaderboard has one."""
    standing_error: float | None = None
    """The standard error of that value; None if the error of one of its scores is unknown."""
    ended: datetime
    first_ended: datetime = UNKNOWN_TIME
    """When the first evaluation ended that we know of, at any commit."""
    request: Request | None = None
    limit: float | None = None
    """The number or fraction of questions that its tests were cut short to."""
    is_preliminary: bool = False
    """Whether its tests were cut short, or asked fewer questions than the backend asks."""
    is_available: bool | None = None
    """Whether the model is still on the Hub; None if unknown."""
    tags: frozenset[str] = frozenset()
    """What the Hub's tags say about it; empty while unknown."""
    flag: str | None = None
    """Why the owner flagged it; None if it is not flagged."""
    rank: int | None = None
    history: tuple[Row, ...] = ()
    """The same at other commits, the newest first."""
    runs: tuple[Result, ...] = ()
    """All its results, at all commits, the oldest first."""

    @property
    def average_error(self) -> float | None:
        """The standard error of the average."""
        return None if self.average is None else self.standing_error

    @property
    def is_complete(self) -> bool:
        """Whether every task of the average counts."""
        return self.done == self.total

    @property
    def is_marked(self) -> bool:
        """Whether a note says something about one of its cells."""
        return bool(self.marks) or self.flag is not None

    @property
    def results(self) -> tuple[Result, ...]:
        """The results that the scores are from, each once, the oldest first."""
        found = {source.path: source for source in self.sources if source}
        return tuple(sorted(found.values(), key=lambda result: (result.ended, result.path)))

    @property
    def origins(self) -> tuple[Result, ...]:
        """The results that the scores are from. Of a row without scores, its newest run."""
        return self.results or self.runs[-1:]


@dataclass(frozen=True)
class Standings:
    """The whole leaderboard."""

    tasks: tuple[TaskColumn, ...] = ()
    rows: tuple[Row, ...] = ()
    """The best first and incomplete ones last."""
    rank_mixed: bool = True
    """Whether marked scores count for averages and ranks."""
    doubts: tuple[str, ...] = ()
    """Sentences for the owner about scores that may be wrong."""
    published: Standings | None = field(default=None, compare=False, repr=False)
    """The leaderboard as published, if this is how a visitor scores it."""
    derived: Derived = field(default_factory=Derived, init=False, compare=False, repr=False)

    def number(self, row: Row) -> int:
        """Return where one of these rows stands among them, from 0."""
        return self.derived.once("numbers", self._numbers)[id(row)]

    def _numbers(self) -> Mapping[int, int]:
        return {id(row): number for number, row in enumerate(self.rows)}

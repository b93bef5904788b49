"""A task, and how the models do on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from src.leaderboard.agreement import described
from src.leaderboard.distribution import Distribution, distribution
from src.leaderboard.rows import Row
from src.leaderboard.scoring import TaskColumn
from src.page.details import drawings
from src.page.details.base import Page
from src.page.details.drawings import Histogram
from src.page.details.links import TASK
from src.page.suite import facts_of
from src.shared.data.backend_description import Example, TaskDescription


@dataclass(frozen=True)
class TaskPage(Page):
    """A task, and how the models do on it."""

    number: int
    """The place of its column."""
    num_fewshot: int | None
    template = "task.html"

    @property
    def column(self) -> TaskColumn:
        """Its column."""
        return self.standings.tasks[self.number]

    @property
    def title(self) -> str:
        """What the page is about."""
        return self.column.task.col_name

    @property
    def opened(self) -> Sequence[tuple[str, str]]:
        """This task."""
        return [(TASK, self.title)]

    @property
    def canonical(self) -> str:
        """This page, as published."""
        return "" if self.to.scoring_pairs else self.to.task(self.title)

    @property
    def known(self) -> TaskDescription | None:
        """What the backend says about it."""
        return described(self.column.task, self.board.backend)

    @property
    def example(self) -> Example | None:
        """A question of it, if the backend published one."""
        return self.known.example if self.known else None

    @property
    def facts(self) -> Sequence[tuple[str, str]]:
        """What is known of it."""
        return facts_of(self.column, self.board.backend, num_fewshot=self.num_fewshot)

    @cached_property
    def spread(self) -> Distribution:
        """How the scores are spread."""
        return distribution(self.standings, self.number)

    @property
    def histogram(self) -> Histogram:
        """The picture of that."""
        return drawings.histogram(self.spread, self.column.guessing)

    @property
    def histogram_size(self) -> tuple[int, int]:
        """The width and the height of that picture."""
        return drawings.HISTOGRAM

    def own(self, row: Row) -> tuple[str, str]:
        """Return a row's score in this task, and how far its interval reaches."""
        return self.score(row.scores[self.number]), self.margin(row.errors[self.number])

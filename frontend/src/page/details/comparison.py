"""Several rows side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from src.leaderboard.comparison import MOST, Comparison, Setting, Side
from src.leaderboard.rows import Row
from src.leaderboard.scoring import TaskColumn
from src.page.details import drawings
from src.page.details.base import Page
from src.page.details.drawings import Bar, Radar
from src.page.details.links import COMPARE


class Line(NamedTuple):
    """A task in a comparison."""

    column: TaskColumn
    sides: Sequence[tuple[Side, Bar | None]]


@dataclass(frozen=True)
class ComparisonPage(Page):
    """Rows side by side."""

    comparison: Comparison
    not_found: Sequence[str] = ()
    """What was sought and not found."""
    template = "comparison.html"

    @property
    def title(self) -> str:
        """What the page is about."""
        return " or ".join(map(self.name, self.rows)) if self.rows else "Compare models"

    @property
    def opened(self) -> Sequence[tuple[str, str]]:
        """These rows."""
        return [(COMPARE, name) for _, name in self.to.pairs(self.rows)] or [(COMPARE, "")]

    @property
    def rows(self) -> Sequence[Row]:
        """The rows."""
        return self.comparison.rows

    @property
    def can_add(self) -> bool:
        """Whether there is room for another row."""
        return len(self.rows) < MOST

    def without(self, row: Row) -> str:
        """Return the link to the others."""
        return self.to.comparison([each for each in self.rows if each is not row])

    def first(self, row: Row) -> str:
        """Return the link to the same rows, compared with another one."""
        return self.to.comparison([row, *(each for each in self.rows if each is not row)])

    @cached_property
    def lines(self) -> Sequence[Line]:
        """The tasks."""
        return [
            Line(line[0].measured.column, [(side, drawings.bar(side.measured)) for side in line])
            for line in self.comparison.lines
        ]

    @cached_property
    def radar(self) -> Radar | None:
        """The scores around a middle."""
        return drawings.radar([[side.measured for side in line] for line in self.comparison.lines])

    @property
    def settings(self) -> Sequence[Setting]:
        """The settings that differ."""
        return self.comparison.settings

    @property
    def verdicts(self) -> Sequence[str]:
        """Whether each row is better than the first, in a sentence."""
        return [self._verdict(place) for place in range(1, len(self.rows))]

    def _verdict(self, place: int) -> str:
        apart, differs = self.comparison.averages[place]
        names = {"one": self.name(self.rows[place]), "first": self.name(self.rows[0])}
        by = self.comparison.ranked_by
        where = f"on {by}" if by else "on average"
        whole = _verdict(apart, differs).format(**names, apart=f"{self.signed(apart)} {where}")
        tally = self.comparison.tally(place)
        return (
            f"{whole} Tasks: {tally.better} significantly better, {tally.worse} significantly worse, "
            f"{tally.unclear} without a significant difference."
        )


def _verdict(apart: float | None, differs: bool | None) -> str:
    """Return a sentence about two rows, with places for their names and the difference of their averages."""
    if apart is None:
        return "{one} and {first} cannot be compared as a whole: a score is missing."
    if differs is None:
        return "{one} has {apart} against {first}. The errors are unknown, so this may be chance."
    if not differs:
        return "{one} and {first} do not differ significantly: {apart}."
    better = "better" if apart > 0 else "worse"
    return f"{{one}} is significantly {better} than {{first}}: {{apart}}."

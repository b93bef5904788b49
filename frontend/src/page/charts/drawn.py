"""A chart as the page shows it: a figure, and the same in words and as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from urllib.parse import quote

from src.leaderboard.references import reference
from src.leaderboard.rows import Row, Standings
from src.page.details.links import MODEL, address
from src.shared.errors import counted

MOST_LINES = 200
"""The most lines of a table of numbers."""

LONGEST_NAME = 100
"""The most letters of a name in a sentence."""

SHOW_MODEL, SHOW_TASK = "show-model", "show-task"
"""The events of the page that a press on a chart makes."""


class Line(NamedTuple):
    """One line of a table of numbers."""

    name: str
    cells: Sequence[str]
    reference: str = ""
    """The reference of the row that the name means; empty if it is a task."""

    @property
    def page(self) -> str:
        """The address of the page of its details."""
        return address(MODEL, self.reference)

    @property
    def query(self) -> str:
        """The query of the address that shows the row."""
        return f"model={quote(self.reference.encode('utf-8', 'replace'), safe='/:')}"


@dataclass(frozen=True)
class Numbers:
    """The numbers of a chart as a table."""

    headers: Sequence[str] = ()
    """The first is that of the names."""
    lines: Sequence[Line] = ()


@dataclass(frozen=True)
class Drawn:
    """A chart as it is shown. Without a figure, the sentence says what is missing."""

    sentence: str
    note: str = ""
    """How to read the chart."""
    numbers: Numbers = Numbers()
    event: str = SHOW_MODEL
    """What a press on a point makes."""
    left_out: str = ""
    """How many models are not in the chart, and why."""
    make_figure: Callable[[], str] = field(default=str, repr=False)

    @cached_property
    def figure(self) -> str:
        """The figure for plotly, as JSON; empty if there is nothing to draw. Plain pages need none."""
        return self.make_figure()


def references(standings: Standings, rows: Sequence[Row]) -> list[str]:
    """Return the reference of each row."""
    return [reference(standings, row) for row in rows]


def short(name: str, longest: int = LONGEST_NAME) -> str:
    """Return a name, or the beginning of one that is too long."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def left_out(drawn: int, total: int, why: str) -> str:
    """Return how many models a chart leaves out; empty if none."""
    return f"{total - drawn:,} of {counted(total, 'model')} left out: {why}." if drawn < total else ""

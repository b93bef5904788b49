"""Which chart a visitor looks at, and of what, as the page's address has it: `?chart=time&of=GSM8K`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlencode

from src.columns import AVERAGE, Column
from src.leaderboard.rows import Standings
from src.leaderboard.scores import main_column, score_columns

CHART, OF = "chart", "of"

AVERAGE_SCORE = "Average"


class Kind(StrEnum):
    """The charts, by their names in an address."""

    SIZE = "size"
    COST = "cost"
    TIME = "time"
    HEAT_MAP = "heatmap"
    CORRELATION = "correlation"

    @property
    def has_a_column(self) -> bool:
        """Whether it shows one column of scores; the others show all tasks."""
        return self in (Kind.SIZE, Kind.COST, Kind.TIME)


LABELS = {
    Kind.SIZE: "Score and size",
    Kind.COST: "Score and cost",
    Kind.TIME: "Best over time",
    Kind.HEAT_MAP: "Tasks and models",
    Kind.CORRELATION: "Correlation of tasks",
}


class Choice(NamedTuple):
    """A chart, and the column that it shows if it shows one."""

    kind: Kind
    column: Column

    def query(self, standings: Standings) -> str:
        """Return what an address has of it: only what differs from what opens first."""
        pairs = [] if self.kind is Kind.SIZE else [(CHART, str(self.kind))]
        is_main = self.column.name == main_column(standings).name
        pairs += [] if is_main or not self.kind.has_a_column else [(OF, self.column.name)]
        return urlencode(pairs, errors="replace")


def read(values: Mapping[str, str | None], standings: Standings) -> Choice:
    """Return what an address asks for, which anybody may have written."""
    kind = next((each for each in Kind if each == values.get(CHART)), Kind.SIZE)
    named = (column for column in score_columns(standings) if column.name == values.get(OF))
    return Choice(kind, next(named, main_column(standings)))


def label(column: Column) -> str:
    """Return how a chart names a column of scores."""
    return AVERAGE_SCORE if column is AVERAGE else column.name

"""The chart of scores over time. The records, each the best so far, are on a line."""

from __future__ import annotations

import numpy as np

from src.columns import Column
from src.leaderboard.charts import time_chart
from src.leaderboard.rows import Standings
from src.page.charts.drawn import Drawn, references
from src.page.charts.points import Points, chart, told
from src.shared.errors import counted

FEWEST_DAYS, ROOM = np.timedelta64(3, "D"), 25
"""What the axis has before the first day and after the last: so many days, or this part of all."""


def draw(standings: Standings, column: Column) -> Drawn:
    """Return the chart of a column."""
    return chart(
        points(standings, column),
        standings,
        sentence=sentence,
        axis=lambda found: {"hover": "%{x|%Y-%m-%d}", "type": "date", "range": _range(found)},
        missing="no result says its day",
        left_out_why="their day or score is not known",
    )


def _range(found: Points) -> list[str]:
    """Return the first and the last day of the axis: some days more than there are points."""
    first, last = found.x[0], found.x[-1]
    room = max((last - first) // ROOM, FEWEST_DAYS)
    return [str(first - room), str(last + room)]


def points(standings: Standings, column: Column) -> Points:
    """Return the models whose score, and day of the first evaluation, are known."""
    found = time_chart(standings, column)
    return Points(
        column,
        references(standings, found.rows),
        found.days,
        found.scores,
        found.is_record,
        "Day of the first evaluation",
        "Best so far",
        str,
    )


def sentence(found: Points) -> str:
    """Return what the chart shows: how many records there are, and the latest."""
    records = np.flatnonzero(found.is_special)
    models, latest = counted(len(found.names), "model"), int(records[-1])
    return (
        f"{models}, {counted(len(records), 'record')}; the latest is {told(found, latest)} "
        f"on {found.x[latest]}."
    )

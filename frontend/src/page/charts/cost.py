"""The chart of scores against what evaluations cost. The best models for their cost are on a line."""

from __future__ import annotations

import numpy as np

from src import columns
from src.columns import Column
from src.leaderboard.charts import cost_chart
from src.leaderboard.rows import Standings
from src.page.charts.drawn import Drawn, references
from src.page.charts.points import Points, chart, told
from src.shared.data.dollars import in_dollars
from src.shared.errors import counted

DOLLARS, MINUTES = "Cost of the evaluation in dollars", "Duration of the evaluation in minutes"
"""The titles of the axis."""

MUCH = 10
"""The sentence names the best model of all, and the best of those that cost so many times less."""


def draw(standings: Standings, column: Column) -> Drawn:
    """Return the chart of a column."""
    free = cost_chart(standings, column).free
    why = "their cost or score is not known"
    return chart(
        points(standings, column),
        standings,
        sentence=sentence,
        axis=lambda found: {
            "hover": "$%{x:,.3~r}" if found.x_title == DOLLARS else "%{x:,.3~r} min",
            "type": "log",
            "dtick": "D2",
        },
        missing="none with a known cost",
        left_out_why=f"{why}, or their cost is 0" if free else why,
    )


def points(standings: Standings, column: Column) -> Points:
    """Return the models whose cost and score are known."""
    found = cost_chart(standings, column)
    text = columns.dollars if found.is_in_dollars else columns.minutes
    return Points(
        column,
        references(standings, found.chart.rows),
        found.chart.amounts,
        found.chart.scores,
        found.chart.is_front,
        DOLLARS if found.is_in_dollars else MINUTES,
        "Best for the money" if found.is_in_dollars else "Best for the time",
        lambda value: text(float(value)),
    )


def sentence(found: Points) -> str:
    """Return what the chart shows: the best model, and the best of those that cost much less."""
    turned = found.turned
    best = int(turned.argmax())
    text = f"{counted(len(found.names), 'model')}; the best is {_told(found, best)}"
    cheap = np.flatnonzero(found.x <= found.x[best] / MUCH)
    if cheap.size:
        text += f", the best for a tenth of that or less is {_told(found, cheap[turned[cheap].argmax()])}"
    return f"{text}."


def _told(found: Points, place: int) -> str:
    """Return a point in words, with its cost."""
    amount = float(found.x[place])
    cost = (
        f"for {in_dollars(amount)}" if found.x_title == DOLLARS else f"in {columns.minutes(amount)} minutes"
    )
    return f"{told(found, place)} {cost}"

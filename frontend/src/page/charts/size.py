"""The chart of scores against sizes. The best models of their size, the Pareto front, are on a line."""

from __future__ import annotations

import numpy as np

from src import columns
from src.columns import Column
from src.leaderboard.charts import size_chart
from src.leaderboard.rows import Standings
from src.page.charts.drawn import Drawn, references
from src.page.charts.points import Points, chart, told
from src.shared.errors import counted

SMALL = 1
"""Billions of parameters: the sentence names the best model below this, and the best of all."""


def draw(standings: Standings, column: Column) -> Drawn:
    """Return the chart of a column."""
    return chart(
        points(standings, column),
        standings,
        sentence=sentence,
        axis=lambda _: {"hover": "%{x:,.3~f} B", "type": "log", "dtick": "D2"},
        missing="none with a known size",
        left_out_why="their size or score is not known",
    )


def points(standings: Standings, column: Column) -> Points:
    """Return the models whose size and score are known."""
    found = size_chart(standings, column)
    return Points(
        column,
        references(standings, found.rows),
        found.amounts,
        found.scores,
        found.is_front,
        "Billions of parameters",
        "Best of its size",
        lambda value: columns.size(float(value)),
    )


def sentence(found: Points) -> str:
    """Return what the chart shows: the best model, and the best of the small ones."""
    turned = found.turned
    best = int(turned.argmax())
    text = f"{counted(len(found.names), 'model')}; the best is {told(found, best)}"
    small = np.flatnonzero(found.x < SMALL)
    if small.size and found.x[best] >= SMALL:
        text += f", the best under {SMALL} B is {told(found, int(small[turned[small].argmax()]))}"
    return f"{text}."

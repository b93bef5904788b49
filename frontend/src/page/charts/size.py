"""The chart of scores against sizes. The best models of their size, the Pareto front, are on a line."""

from __future__ import annotations

import numpy as np

from src import columns
from src.columns import Column
from src.leaderboard.charts import size_chart
from src.leaderboard.rows import Standings
from src.page.charts.choice import label
from src.page.charts.drawn import Drawn, counted, joined, left_out, references
from src.page.charts.points import Points, figure, numbers, told, unshown

SMALL = 1
"""Billions of parameters: the sentence names the best model below this, and the best of all."""


def draw(standings: Standings, column: Column) -> Drawn:
    """Return the chart of a column."""
    found = points(standings, column)
    if not found.names:
        return Drawn(nothing(standings, column))
    fits = found.that_fit()
    return Drawn(
        sentence(found),
        joined(
            left_out(len(found.names), len(standings.rows), "their size or score is not known"), unshown(fits)
        ),
        numbers(found),
        make_figure=lambda: figure(found, fits, hover="%{x:,.3~f} B", type="log", dtick="D2"),
    )


def points(standings: Standings, column: Column) -> Points:
    """Return the models whose size and score are known."""
    chart = size_chart(standings, column)
    return Points(
        column,
        references(standings, chart.rows),
        chart.sizes,
        chart.scores,
        chart.is_front,
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


def nothing(standings: Standings, column: Column) -> str:
    """Return why there is no chart."""
    scored = sum(column.value_of(row) is not None for row in standings.rows)
    if not scored:
        return f"No model has a score of {label(column)} yet."
    return f"{counted(scored, 'model')} with a score of {label(column)}, but none with a known size."

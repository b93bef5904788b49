"""Models as points: the scores of one column against something else, with the special ones on a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.columns import Column, score
from src.leaderboard.charts import Flags
from src.leaderboard.rows import Standings
from src.leaderboard.scores import Scores
from src.page.charts.choice import label
from src.page.charts.drawn import MOST_LINES, Drawn, Line, Numbers, left_out, short
from src.page.charts.figures import GRAY, INDIGO, ORANGE, as_json, axis_title, named
from src.shared.errors import counted

MOST_LETTERS = 130_000
"""The letters of all names in one figure. With 27 letters each, 4,800 models fit."""


@dataclass(frozen=True, eq=False)
class Points:
    """The points of a chart, from left to right."""

    column: Column
    names: Sequence[str]
    """The references of the rows."""
    x: NDArray[Any]
    scores: Scores
    is_special: Flags
    x_title: str
    special: str
    """What is special about those on the line."""
    text: Callable[[Any], str]
    """Returns how a value of `x` reads."""

    @property
    def turned(self) -> Scores:
        """The scores so that higher is better."""
        return -self.scores if self.column.lower_first else self.scores

    @cached_property
    def order(self) -> list[int]:
        """The places of the points: the special ones first, and then the best."""
        places: list[int] = np.lexsort((-self.turned, ~self.is_special)).tolist()
        return places

    def that_fit(self) -> Flags:
        """Return which points a figure has: the first ones of `order`."""
        letters = accumulate(len(ascii(self.names[place])) for place in self.order)
        fits = np.zeros(len(self.names), dtype=bool)
        kept = [place for place, sum_of in zip(self.order, letters, strict=True) if sum_of <= MOST_LETTERS]
        fits[kept] = True
        return fits


def chart(
    points: Points,
    standings: Standings,
    *,
    sentence: Callable[[Points], str],
    axis: Callable[[Points], dict[str, Any]],
    missing: str,
    left_out_why: str,
) -> Drawn:
    """Return the chart of some points.

    `sentence` tells what they show, `axis` gives the options of the figure. `missing` says why there are none
    although models have scores, `left_out_why` why some models are not there.
    """
    if not points.names:
        return Drawn(_nothing(points.column, standings, missing))
    fits = points.that_fit()
    return Drawn(
        sentence(points),
        unshown(fits),
        numbers(points),
        left_out=left_out(len(points.names), len(standings.rows), left_out_why),
        make_figure=lambda: figure(points, fits, **axis(points)),
    )


def _nothing(column: Column, standings: Standings, missing: str) -> str:
    """Return why there is no chart."""
    scored = sum(column.value_of(row) is not None for row in standings.rows)
    if not scored:
        return f"No model has a score of {label(column)} yet."
    return f"{counted(scored, 'model')} with a score of {label(column)}, but {missing}."


def figure(points: Points, fits: Flags, *, hover: str, **x_axis: Any) -> str:
    """Return the figure of the points that fit. `hover` is how plotly writes a value of `x`."""
    line = {
        "mode": "lines+markers",
        "marker": {"color": INDIGO, "size": 9},
        "line": {"color": ORANGE, "shape": "hv"},
    }
    dots = {"mode": "markers", "marker": {"color": GRAY, "size": 7, "opacity": 0.7}}
    groups = (
        ("Other models", fits & ~points.is_special, dots),
        (points.special, fits & points.is_special, line),
    )
    return as_json(
        [
            {"type": "scatter", "name": title, "showlegend": True, **_values(points, is_shown, hover), **look}
            for title, is_shown, look in groups
        ],
        xaxis={"title": axis_title(points.x_title), "exponentformat": "none", **x_axis},
        yaxis={"title": axis_title(label(points.column)), "zeroline": False, "automargin": True},
    )


def _values(points: Points, is_shown: Flags, hover: str) -> dict[str, Any]:
    places: list[int] = np.flatnonzero(is_shown).tolist()
    x = points.x[places]
    return {
        "x": x.astype(str).tolist() if x.dtype.kind == "M" else x,
        "y": points.scores[places],
        **named([points.names[place] for place in places], f"{hover}: %{{y:.2f}}"),
    }


def numbers(points: Points) -> Numbers:
    """Return the points as a table: the special ones first, and then the best."""
    lines = [
        Line(
            points.names[place],
            (
                points.text(points.x[place]),
                score(float(points.scores[place])),
                "yes" if points.is_special[place] else "",
            ),
            points.names[place],
        )
        for place in points.order[:MOST_LINES]
    ]
    return Numbers(("Model", points.x_title, label(points.column), points.special), lines)


def told(points: Points, place: int) -> str:
    """Return a point in words."""
    return f"{short(points.names[place])} with {score(float(points.scores[place]))}"


def unshown(fits: Flags) -> str:
    """Return how many points the figure has, if it has not all."""
    return "" if fits.all() else f"The picture shows {np.count_nonzero(fits):,} of them, the best ones."

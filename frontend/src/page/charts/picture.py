"""The picture of a chart of points: an SVG of our own, which needs no script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from src.columns import score
from src.leaderboard.scores import Scores
from src.page.charts.choice import label
from src.page.charts.drawn import short
from src.page.charts.points import Points, told
from src.page.html import render

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 670, 24, 340
"""Pixels: the picture, and the rectangle in it that has the points."""

MOST_POINTS = 1000
"""The most points of a picture. A point takes 30 bytes."""

MOST_TITLES = 60
"""The most points on the line that say their names."""

LONGEST_TITLE = 60
"""The letters of the title of an axis."""

STEPS = 5
"""About how many numbers stand beside an axis."""


class Tick(NamedTuple):
    """A number beside an axis: its place in pixels, and its text."""

    place: float
    text: str


class Dot(NamedTuple):
    """A point in pixels. Those on the line have a title."""

    x: float
    y: float
    title: str = ""


@dataclass(frozen=True)
class Axis:
    """Turns values into pixels."""

    low: float
    high: float
    start: float
    end: float

    def pixels(self, values: Any) -> list[float]:
        """Return the places of values."""
        share = (np.asarray(values, dtype=float) - self.low) / (self.high - self.low)
        places: list[float] = np.round(self.start + share * (self.end - self.start), 1).tolist()
        return places


def picture(points: Points, *, sentence: str) -> Markup:
    """Return the SVG of some points, or one that only says why there are none."""
    if not points.names:
        return render("chart.svg", width=WIDTH, height=60, sentence=sentence, is_empty=True)
    x = _axis(_numbers(points), LEFT, RIGHT, room=3 if _has_days(points) else 0.5)
    y = _axis(points.scores, BOTTOM, TOP, room=0.5)
    places = list(zip(x.pixels(_numbers(points)), y.pixels(points.scores), strict=True))
    shown = points.order[:MOST_POINTS]
    special = sorted(place for place in shown if points.is_special[place])
    others = [place for place in shown if not points.is_special[place]]
    dots = [Dot(*places[each], _title(points, each, number)) for number, each in enumerate(special)]
    y_values = _round_numbers(y.low, y.high)
    return render(
        "chart.svg",
        width=WIDTH,
        height=HEIGHT,
        frame=(LEFT, RIGHT, TOP, BOTTOM),
        sentence=sentence,
        is_empty=False,
        others=[Dot(*places[each]) for each in others],
        dots=dots,
        path=_steps(dots),
        x_ticks=_x_ticks(points, x),
        y_ticks=_ticks(y, y_values, map(score, y_values)),
        x_title=points.x_title,
        y_title=short(label(points.column), LONGEST_TITLE),
        special=points.special,
    )


def _title(points: Points, place: int, number: int) -> str:
    """Return what a point says under the pointer; only the first ones do."""
    return f"{told(points, place)}, {points.text(points.x[place])}" if number < MOST_TITLES else ""


def _numbers(points: Points) -> Scores:
    """Return the values of x on their scale: days by number, sizes by logarithm."""
    return points.x.astype(float) if _has_days(points) else np.log10(points.x)


def _has_days(points: Points) -> bool:
    return points.x.dtype.kind == "M"


def _axis(values: Scores, start: float, end: float, *, room: float) -> Axis:
    """Return the axis that shows all values, with some room at both ends: the given one around one value."""
    low, high = float(values.min()), float(values.max())
    room = (high - low) * 0.05 or room
    return Axis(low - room, high + room, start, end)


def _ticks(axis: Axis, values: Sequence[float], texts: Iterable[str]) -> list[Tick]:
    return list(map(Tick, axis.pixels(values), texts))


def _x_ticks(points: Points, axis: Axis) -> list[Tick]:
    if _has_days(points):
        days = np.unique(np.linspace(ceil(axis.low), floor(axis.high), STEPS).round()).tolist()
        return _ticks(axis, days, (str(np.datetime64(int(day), "D")) for day in days))
    powers = range(floor(axis.low), ceil(axis.high) + 1)
    firsts = (1, 2, 5) if len(powers) < STEPS else (1,)
    sizes = [first * 10.0**power for power in powers for first in firsts]
    sizes = [each for each in sizes if axis.low <= log10(each) <= axis.high]
    return _ticks(axis, list(map(log10, sizes)), (f"{each:,.6g}" for each in sizes))


def _round_numbers(low: float, high: float) -> Sequence[float]:
    """Return some round numbers between two."""
    rough = (high - low) / STEPS
    unit = 10.0 ** floor(log10(rough))
    step = next(unit * times for times in (1, 2, 5, 10) if unit * times >= rough)
    return [number * step for number in range(ceil(low / step), floor(high / step) + 1)]


def _steps(dots: Sequence[Dot]) -> str:
    """Return the line from point to point, along first and then up."""
    turns = "".join(f"H{after.x}V{after.y}" for _, after in pairwise(dots))
    return f"M{dots[0].x},{dots[0].y}{turns}" if dots else ""

"""The geometry of the small pictures: the templates only write it down as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin
from typing import NamedTuple

from src.columns import score
from src.leaderboard.details import Measured, Run, Scale
from src.leaderboard.distribution import Distribution

WIDTH = 160
"""Pixels of a bar, an interval included."""

HISTOGRAM = (400, 120)
"""Pixels of a distribution: its width and its height."""

TIMELINE = (400, 100)
"""Pixels of the averages over time."""

RADIUS = 120
"""Pixels from the middle of a radar to its rim."""

FEWEST_AXES = 3
"""A radar of fewer tasks has no area."""

MOST_AXES = 16
"""A radar of more tasks cannot be read."""


LONGEST_NAME = 18
"""Characters of a task's name beside a radar."""


class Bar(NamedTuple):
    """A score as a bar, and its interval as a line, in pixels from the left."""

    score: float
    low: float
    high: float
    guessing: float | None
    has_interval: bool


def bar(measured: Measured) -> Bar | None:
    """Return the bar of a score; None without one."""
    if measured.score is None:
        return None
    low, high = measured.interval or (measured.score, measured.score)
    guessing = measured.column.guessing
    return Bar(
        score=_pixels(measured.scale, measured.score),
        low=_pixels(measured.scale, low),
        high=_pixels(measured.scale, high),
        guessing=None if guessing is None else _pixels(measured.scale, guessing),
        has_interval=measured.interval is not None,
    )


class Column(NamedTuple):
    """One bin of a distribution, in pixels from the top left."""

    x: float
    y: float
    width: float
    height: float
    label: str


class Histogram(NamedTuple):
    """A distribution."""

    columns: Sequence[Column]
    guessing: float | None


def histogram(found: Distribution, guessing: float | None) -> Histogram:
    """Return the picture of a distribution."""
    width, height = HISTOGRAM
    step, most = width / len(found.counts), max(found.counts, default=0) or 1
    columns = []
    for place, count in enumerate(found.counts):
        begin, end = (found.scale.score((place + side) / len(found.counts)) for side in (0, 1))
        tall = height * count / most
        label = f"{begin:.4g} to {end:.4g}: {count:,}"
        x, y = round(step * place, 1), round(height - tall, 1)
        columns.append(Column(x, y, step - 1, round(tall, 1), label))
    return Histogram(columns, None if guessing is None else round(width * found.scale.at(guessing), 1))


class Point(NamedTuple):
    """A point of a line, in pixels from the top left, and what it says."""

    x: float
    y: float
    label: str


def timeline(runs: Sequence[Run]) -> Sequence[Point]:
    """Return the averages of the runs, the oldest first, as points; none for fewer than two."""
    known = [run for run in reversed(runs) if run.average is not None]
    if len(known) < 2:
        return []
    width, height = TIMELINE
    averages = [run.average or 0.0 for run in known]
    reach = Scale(min(averages), max(averages))
    times = [run.result.ended.timestamp() for run in known]
    when = Scale(min(times), max(times))
    return [
        Point(
            round(8 + (width - 16) * when.at(time), 1),
            round(height - 8 - (height - 16) * reach.at(average), 1),
            f"{run.result.ended:%Y-%m-%d}: {score(average)}",
        )
        for run, time, average in zip(known, times, averages, strict=True)
    ]


class Axis(NamedTuple):
    """An axis of a radar: its end, and where its name stands."""

    x: float
    y: float
    name: str
    text_x: float
    text_y: float
    anchor: str


class Shape(NamedTuple):
    """The scores of one row: the corners of its area, as SVG writes them."""

    points: str


class Radar(NamedTuple):
    """The scores of several rows around a middle. The best end of each scale is outside."""

    axes: Sequence[Axis]
    rims: Sequence[str]
    """Polygons at a quarter, a half, three quarters and the whole of the scales."""
    shapes: Sequence[Shape | None]
    """One for each row; None if it lacks a score."""


def radar(lines: Sequence[Sequence[Measured]]) -> Radar | None:
    """Return a radar of the rows' scores, a line for each task; None for too few or too many tasks."""
    if not FEWEST_AXES <= len(lines) <= MOST_AXES:
        return None
    directions = [
        (sin(2 * pi * place / len(lines)), -cos(2 * pi * place / len(lines))) for place in range(len(lines))
    ]
    axes = [
        Axis(
            *_at(across, down, 1.0),
            _short(line[0].column.task.col_name),
            *_at(across, down, 1.1),
            "middle" if abs(across) < 0.1 else "start" if across > 0 else "end",
        )
        for (across, down), line in zip(directions, lines, strict=True)
    ]
    rims = [_polygon(directions, [share] * len(lines)) for share in (0.25, 0.5, 0.75, 1.0)]
    shapes = [_shape(directions, row) for row in zip(*lines, strict=True)]
    return Radar(axes, rims, shapes)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _shape(directions: Sequence[tuple[float, float]], scores: Sequence[Measured]) -> Shape | None:
    shares = []
    for each in scores:
        if each.score is None:
            return None
        share = each.scale.at(each.score)
        shares.append(share if each.column.higher_is_better else 1.0 - share)
    return Shape(_polygon(directions, shares))


def _polygon(directions: Sequence[tuple[float, float]], shares: Sequence[float]) -> str:
    corners = (_at(*direction, share) for direction, share in zip(directions, shares, strict=True))
    return " ".join(f"{x},{y}" for x, y in corners)


def _at(across: float, down: float, share: float) -> tuple[float, float]:
    return round(RADIUS * across * share, 1), round(RADIUS * down * share, 1)


def _pixels(scale: Scale, score: float) -> float:
    return round(WIDTH * scale.at(score), 1)

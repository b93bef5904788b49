"""The charts without scripts: a page with three pictures and the numbers of all charts, and each picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from markupsafe import Markup

from src.columns import Column
from src.leaderboard.rows import Standings
from src.leaderboard.scores import score_columns
from src.page.charts import cost, over_time, size
from src.page.charts.choice import LABELS, Choice, Kind, label
from src.page.charts.draw import draw
from src.page.charts.picture import picture
from src.page.charts.points import Points
from src.page.html import render
from src.page.plain.badge import ALONE, SVG
from src.page.plain.document import HTML, STYLE
from src.page.plain.kept import Answer
from src.page.plain.site import Site

PICTURES: dict[Kind, Callable[[Standings, Column], Points]] = {
    Kind.SIZE: size.points,
    Kind.COST: cost.points,
    Kind.TIME: over_time.points,
}
"""The charts that have a picture."""


class _Offered(NamedTuple):
    """A column of the form."""

    name: str
    label: str


def charts_page(standings: Standings, column: Column, site: Site, *, is_read: bool = True) -> Answer:
    """Return the page with the charts of a column. Unless `is_read`, the datasets are still being read."""
    html = render(
        "plain_charts.html",
        site=site,
        style=Markup(STYLE.read_text(encoding="utf-8")),
        charts=[(LABELS[kind], str(kind), draw(standings, Choice(kind, column))) for kind in Kind],
        pictures=list(map(str, PICTURES)),
        columns=[_Offered(each.name, label(each)) for each in score_columns(standings)],
        chosen=column,
        query=Choice(Kind.SIZE, column).query(standings),
        is_read=is_read,
    )
    return Answer(html.encode("utf-8", "replace"), HTML)


def chart_picture(kind: Kind, standings: Standings, column: Column) -> Answer:
    """Return the picture of a chart."""
    points, sentence = PICTURES[kind](standings, column), draw(standings, Choice(kind, column)).sentence
    return Answer(picture(points, sentence=sentence).encode("utf-8", "replace"), SVG, ALONE)

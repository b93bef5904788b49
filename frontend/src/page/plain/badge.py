"""The badge of a model: its rank, its average or one score as a small SVG, for the model's own page."""

from __future__ import annotations

from src.columns import AVERAGE, Column, columns, score
from src.leaderboard.rows import Row, Standings
from src.page.html import render
from src.page.plain.kept import Answer

SVG = "image/svg+xml"

AVERAGE_SCORE = "average"

LONGEST = 40
"""Characters of the leaderboard's title, and of a column's name."""

LETTER, WIDE_LETTER, MARGIN = 6.2, 12.5, 6
"""Pixels: the width of a letter in an 11 pixel font, of one as wide as 🟢, and the room beside a text. The
SVG stretches its texts to these widths, whatever font there is.
"""

ALONE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
"""Also a browser that opens the badge as a page runs nothing in it."""


def shown_column(standings: Standings, show: str) -> Column | None:
    """Return the column of scores that a badge shows; None for the rank, and for an unknown name."""
    scores = [column for column in columns(standings.tasks) if column.text is score]
    if show == AVERAGE_SCORE:
        return AVERAGE
    return next((column for column in scores if column.name == show), None)


def badge(standings: Standings, row: Row | None, column: Column | None, *, title: str) -> Answer:
    """Return the badge of a row: the score in a column, or the rank. `title` names the leaderboard."""
    name = "" if column is None else AVERAGE_SCORE if column is AVERAGE else column.name
    label = " · ".join(
        part if len(part) <= LONGEST else f"{part[:LONGEST]}…" for part in (title, name) if part
    )
    value = "not evaluated" if row is None else _value(standings, row, column)
    widths = [_width(text) for text in (label, value)]
    left, right = (round(width + 2 * MARGIN, 1) for width in widths)
    svg = render(
        "badge.svg",
        label=label,
        value=value,
        widths=widths,
        left=left,
        right=right,
        whole=round(left + right, 1),
        starts=(MARGIN, round(left + MARGIN, 1)),
    )
    return Answer(svg.encode("utf-8", "replace"), SVG, ALONE)


def _value(standings: Standings, row: Row, column: Column | None) -> str:
    if column is not None:
        return column.cell(row).text or "no score"
    ranked = sum(each.rank is not None for each in standings.rows)
    return f"rank {row.rank} of {ranked}" if row.rank else f"{row.done} of {row.total} tasks"


def _width(text: str) -> float:
    return round(sum(LETTER if ord(letter) < 0x2000 else WIDE_LETTER for letter in text), 1)

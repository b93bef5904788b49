"""Marks at flagged models and at scores that may not be comparable, and the notes below the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from src.columns import Column, model_type
from src.leaderboard.rows import Row
from src.leaderboard.view import Table
from src.model_types import ModelType
from src.page.html import render

RANGES = (
    "2 (1–4) means second, and the errors of the scores allow any rank from 1 to 4. "
    "A score without an error has no range."
)

NORMALISED = (
    "Normalised scores: 0 is guessing, 100 is perfect. Scores stay as they are where guessing is not known."
)

WEIGHTED = "The average and the ranks use other weights than the leaderboard's: {}."

PRELIMINARY = "Preliminary means that the model answered only a part of the questions."

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def numbered(table: Table) -> dict[str, str]:
    """Return the mark of each reason that a cell of this table is marked for, in the order of the rows."""
    shown = [column.mark for column in table.columns if column.mark]
    marked = [row for row in table.rows if row.is_marked]
    reasons = dict.fromkeys(reason for row in marked for mark in shown if (reason := mark(row)))
    return {reason: str(number).translate(SUPERSCRIPTS) for number, reason in enumerate(reasons, start=1)}


def at(column: Column, rows: Sequence[Row], marks: Mapping[str, str]) -> Sequence[str]:
    """Return the mark at each cell of a column; empty where there is none."""
    mark = column.mark
    if not marks or mark is None:
        return [""] * len(rows)
    return [marks.get(mark(row), "") if row.is_marked else "" for row in rows]


def notes(table: Table, marks: Mapping[str, str]) -> Markup:
    """Return what the marks and symbols in the table mean; nothing for an empty table."""
    if not table.rows:
        return Markup()
    return render(
        "marks.html",
        marks=marks,
        kinds=kinds(table),
        partial=partial(table),
        sentences=sentences(table),
    )


def sentences(table: Table) -> list[str]:
    """Return what ranges, the visitor's scoring and preliminary scores mean, if the table has any."""
    found = []
    if table.ranges is not None:
        found.append(RANGES)
    if table.scoring.is_normalised:
        found.append(NORMALISED)
    if table.scoring.weights:
        found.append(WEIGHTED.format(table.scoring.weights_in_words))
    if any(row.is_preliminary for row in table.rows):
        found.append(PRELIMINARY)
    return found


def kinds(table: Table) -> list[ModelType]:
    """Return the kinds of models with a symbol that occur in a table."""
    return [kind for kind in dict.fromkeys(map(model_type, table.rows)) if kind.symbol and kind.name]


def partial(table: Table) -> Row | None:
    """Return the first row that lacks scores."""
    return next((row for row in table.rows if not row.is_complete), None)

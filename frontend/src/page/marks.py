"""Marks at scores that may not be comparable with most of their column, and the notes below the table."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from src.leaderboard.view import Table
from src.page.html import render

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def numbered(table: Table) -> dict[str, str]:
    """Return the mark of each reason that a score of this table is marked for, in the order of the rows."""
    shown = [column.mark for column in table.columns if column.mark]
    marked = [row for row in table.rows if row.marks]
    reasons = dict.fromkeys(reason for row in marked for mark in shown if (reason := mark(row)))
    return {reason: str(number).translate(SUPERSCRIPTS) for number, reason in enumerate(reasons, start=1)}


def notes(marks: Mapping[str, str]) -> Markup:
    """Return what each mark in the table means; nothing where there are none."""
    return render("marks.html", marks=marks) if marks else Markup()

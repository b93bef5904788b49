"""The rows of a view as files: CSV that no spreadsheet takes for formulas, JSON, and Parquet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from contextlib import suppress
from math import isfinite
from typing import Any

import orjson

from src.columns import Column, Value
from src.leaderboard.rows import Row
from src.leaderboard.view import Table
from src.page.api import marks
from src.page.plain.asked import Part
from src.page.plain.kept import Answer
from src.page.table import badges

FORMULA = re.compile(
    r"^(?=[^\w'\"#(]*[=+\-@＝＋－＠])|^(?=[\t\r\n])|(?<=[;\t\r\n])(?=[^\w'#(;\t\r\n]*[=+\-@＝＋－＠])"
)
"""Where a spreadsheet could begin to read a formula: at the beginning, even behind spaces and invisible
signs, and behind what separates the cells in some countries, quotes included. No letter or digit is passed
over, and no separator, so it takes linear time.
"""

NOTES = "Notes"
"""The last column of a CSV, if the page says something beside the cells of a row."""

CSV, JSON, PARQUET = "text/csv", "application/json", "application/vnd.apache.parquet"


def as_csv(part: Part) -> Answer:
    """Return the rows as CSV: numbers as on the page, texts in quotes and disarmed."""
    table = part.table
    file = io.StringIO(newline="")
    lines = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    notes = [_notes(table, row) for row in table.rows]
    has_notes = any(notes)
    lines.writerow([*(disarmed(column.header) for column in table.columns), *[NOTES] * has_notes])
    for line, note in zip(_lines(table), notes, strict=True):
        cells = [_cell(value, column) for value, column in zip(line, table.columns, strict=True)]
        lines.writerow([*cells, *[disarmed(note)] * has_notes])
    return Answer(file.getvalue().encode("utf-8", "replace"), CSV, _file("leaderboard.csv"))


def as_json(part: Part) -> Answer:
    """Return the rows as JSON, in the form of the endpoint `/leaderboard`, with how many there are."""
    table = part.table
    content = {
        "headers": [column.header for column in table.columns],
        "rows": list(_lines(table)),
        "marks": marks(table.columns, table.rows),
        "badges": [badges(row, is_new=False) for row in table.rows],
        "first": part.first,
        "found": table.found,
        "total": table.total,
    }
    return Answer(orjson.dumps(content), JSON)


def as_parquet(part: Part) -> Answer:
    """Return the rows as Parquet, with numbers that are not rounded."""
    import pyarrow as pa  # takes a third of a second
    import pyarrow.parquet as pq

    table = part.table
    arrays = [_array(column, table) for column in table.columns]
    written = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(arrays, [column.header for column in table.columns]), written)
    return Answer(written.getvalue().to_pybytes(), PARQUET, _file("leaderboard.parquet"))


def _notes(table: Table, row: Row) -> str:
    """Return what the page says beside the cells of a row: its badges, and why it or a score is marked."""
    reasons = [column.mark(row) for column in table.columns if column.mark] if row.is_marked else []
    return " ".join(
        [*(f"{badge}." for badge in badges(row, is_new=False)), *dict.fromkeys(filter(None, reasons))]
    )


def disarmed(text: str) -> str:
    """Return a text with an apostrophe before each place where a spreadsheet could begin to read a formula.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return FORMULA.sub("'", text)


def shown(value: Value, text: str) -> Value:
    """Return a value as the page shows it: a number with the digits of its text."""
    if not isinstance(value, float):
        return value
    with suppress(ValueError):  # an owner's column may add a unit
        value = float(text)
    return value if isfinite(value) else None


def _lines(table: Table) -> Sequence[Sequence[Value]]:
    cells = [column.cells(table.rows) for column in table.columns]
    columns = [list(map(shown, each.values, each.texts)) for each in cells]
    return [list(line) for line in zip(*columns, strict=True)]


def _cell(value: Value, column: Column) -> Value:
    if isinstance(value, bool):
        return disarmed(column.text(value))
    return disarmed(value) if isinstance(value, str) else value


def _array(column: Column, table: Table) -> Any:
    import pyarrow as pa

    values = column.cells(table.rows).values
    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {int}:
        return pa.array(values, pa.int64())
    if kinds <= {int, float} and (kinds or not column.is_text):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}

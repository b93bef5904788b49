"""The table as a component: the only module that knows gradio_leaderboard.

The component is a grid here, under a view made on the server: its own search, filters and column picker are
not used, and style.css hides its search box.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from functools import partial

import pandas as pd
from gradio_leaderboard import Leaderboard, SelectColumns
from markupsafe import Markup

from src.columns import AVERAGE, MODEL, Cell, Column, columns
from src.page.links import link, model_address
from src.rows import Row, TaskColumn
from src.tasks import Task
from src.view import Line, Table

HEIGHT = 620
BLANK = "\u00a0"
"""How a missing value reads: the component shows the value itself where the text is empty."""

LOWEST = -1e99
"""What a missing number is sorted as: the component would take it for 0. Its text is what people see."""

SORTED_DIGITS = 4
"""How exactly numbers are sorted: the component makes a column as wide as its longest number would be."""

EMPHASIS = "font-weight: 600"

LONGEST_TEXT = 120
"""Characters; the Hub's longest names have 96."""

MEANINGFUL = re.compile(r"[^\w /-]|(?<!\w)[-_]|[-_](?!\w)")
"""Everything but letters, digits, spaces and slashes; hyphens and underscores are harmless within a word."""


def leaderboard_table(tasks: Collection[Task]) -> Leaderboard:
    """An empty table that can show every column which these tasks can come to have.

    As an output it takes what `contents` makes, and always needs it: it cannot be skipped, because gradio
    makes a skipped component anew, and this one cannot be made without a value.
    """
    both_ways = [TaskColumn(task, higher_is_better=up) for task in tasks for up in (True, False)]
    all_columns = columns(both_ways)
    headers = [column.header for column in all_columns]
    table = Leaderboard(
        value=pd.DataFrame(columns=headers),
        datatype=["markdown" if column is MODEL else "str" for column in all_columns],
        search_columns=[MODEL.header],  # it cannot be constructed without any
        select_columns=SelectColumns(default_selection=headers, allow=False),  # it shows no others, ever
        interactive=False,
        height=HEIGHT,
        latex_delimiters=[],
    )
    # The component itself takes the texts of cells from a pandas Styler only, half a second for 5,000 rows.
    table.postprocess = partial(_payload, table.data_model)
    return table


def contents(table: Table, local_models: Collection[str]) -> dict[str, object]:
    """What the component is sent: per cell a value, which it sorts by, and a text, which it shows."""
    lines = [list(_line(line, table.columns, local_models)) for line in table.lines]
    emphasis = [EMPHASIS if column in (MODEL, AVERAGE) else "" for column in table.columns]
    return {
        "headers": [column.header for column in table.columns],
        "data": [[value for value, _ in line] for line in lines] or [[]],
        "metadata": {
            "display_value": [[text for _, text in line] for line in lines],
            "styling": [emphasis] * len(lines),
        },
    }


def _payload(data_model: Callable[..., object], value: object) -> object:
    return data_model(**value) if isinstance(value, dict) else value


def _line(
    line: Line, shown: Collection[Column], local_models: Collection[str]
) -> Iterator[tuple[str | float, str]]:
    for column, cell in zip(shown, line.cells, strict=True):
        if column is MODEL:
            yield model_cell(line.row, is_local=line.row.model in local_models), BLANK
        else:
            yield _sorted_by(column, cell), _shortened(cell.text) or BLANK


def _sorted_by(column: Column, cell: Cell) -> str | float:
    if column.is_text:
        return _shortened(cell.text)
    if cell.value is None:
        return -LOWEST if column.lower_first else LOWEST
    return round(cell.value, SORTED_DIGITS) if isinstance(cell.value, int | float) else cell.text


def model_cell(row: Row, *, is_local: bool) -> str:
    """A model's name as Markdown: a link to its page if it has one, a badge if its tests were cut."""
    is_on_the_hub = not is_local and row.is_available is not False
    address = model_address(row.model) if is_on_the_hub else None
    name = link(address, Markup(_escaped(row.model)))
    return f"{name} `limit {row.limit:g}`" if row.limit is not None else name


def _escaped(text: str) -> str:
    """Text that Markdown takes for nothing but text: what may have a meaning becomes an HTML entity."""
    return MEANINGFUL.sub(lambda found: f"&#{ord(found[0])};", _shortened(text))


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"

"""The table as a component: the only module that knows gradio_leaderboard.

The component is a grid here, under a view made on the server: its own search, filters and column picker are
not used, and style.css hides its search box.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import NamedTuple, TypeVar

import pandas as pd
from gradio_leaderboard import Leaderboard, SelectColumns
from markupsafe import Markup

from src.columns import AVERAGE, MODEL, Column, Value, columns, score
from src.leaderboard.rows import Row
from src.leaderboard.scoring import TaskColumn
from src.leaderboard.view import Table
from src.page.links import link, model_address
from src.page.ready import Ready, pass_ready_answers_on, ready
from src.tasks import Task

T = TypeVar("T")

HEIGHT = 620
BLANK = "\u00a0"
"""The text of a missing value. If it were empty, the component would show the value itself."""

COMPONENT: str = Leaderboard.get_component_class_id()
"""The component's name in the address of its scripts."""

LOWEST = -1e99
"""The sort value of a missing number: the component would use 0. People see its text instead."""

SORTED_DIGITS = 4
"""The precision of sort values: the component makes a column as wide as its longest number."""

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
        search_columns=[MODEL.header],  # the component requires some
        select_columns=SelectColumns(default_selection=headers, allow=False),  # it never shows others
        interactive=False,
        height=HEIGHT,
        latex_delimiters=[],
    )
    # The component takes cell texts only from a pandas Styler: half a second for 5,000 rows.
    table.postprocess = _payload
    pass_ready_answers_on()
    return table


class Contents(dict[str, object]):
    """What the component is sent. Its JSON is made once, for everybody who sees the same."""

    @cached_property
    def as_json(self) -> Ready:
        """Gradio passes it on as it is."""
        return ready(self)


def contents(
    table: Table, local_models: Collection[str], marks: Mapping[str, str] = MappingProxyType({})
) -> Contents:
    """Return what the component is sent: per cell a value to sort by, and a text to show.

    The text is empty if the value reads as it should: then the component shows the value. `marks` has the
    mark for each reason that a score can be marked for.
    """
    parts = [_part(column, table.rows, local_models) for column in table.columns]
    if marks:
        parts = [
            _marked(part, column, table.rows, marks)
            for part, column in zip(parts, table.columns, strict=True)
        ]
    emphasized = [place for place, column in enumerate(table.columns) if column in (MODEL, AVERAGE)]
    styles = [EMPHASIS if place in emphasized else "" for place in range(max(emphasized) + 1)]
    return Contents(
        headers=[column.header for column in table.columns],
        data=_by_row(part.values for part in parts) or [[]],
        metadata={
            "display_value": _by_row(part.texts for part in parts),
            "styling": [styles] * len(table.rows),
        },
    )


def _payload(value: object) -> object:
    return value.as_json if isinstance(value, Contents) else value


class _Part(NamedTuple):
    """One column, as it is sent."""

    values: Sequence[str | float]
    texts: Sequence[str]


def _part(column: Column, rows: Sequence[Row], local_models: Collection[str]) -> _Part:
    if column is MODEL:
        cells = [model_cell(row, is_local=row.model in local_models) for row in rows]
        return _Part(cells, [""] * len(rows))
    values, texts = column.cells(rows)
    if column.is_text:
        return _Part([_shortened(text) for text in texts], [""] * len(rows))
    unknown = -LOWEST if column.lower_first else LOWEST
    if column.text is score and column is not AVERAGE:
        return _scores(values, texts, unknown)
    numbers = [_sorted_by(value, text, unknown) for value, text in zip(values, texts, strict=True)]
    return _Part(numbers, [_shortened(text) or BLANK for text in texts])


def _marked(part: _Part, column: Column, rows: Sequence[Row], marks: Mapping[str, str]) -> _Part:
    """The same with a mark behind each score that has one."""
    if column.mark is None:
        return part
    found = [marks.get(column.mark(row), "") if row.marks else "" for row in rows]
    scores = column.cells(rows).texts
    texts = [
        f"{score} {mark}" if mark else text
        for text, score, mark in zip(part.texts, scores, found, strict=True)
    ]
    return _Part(part.values, texts)


def _scores(values: Sequence[Value], texts: Sequence[str], unknown: float) -> _Part:
    """Return scores, which are sorted by what is shown of them. They are most of a large table."""
    numbers = [unknown if value is None else _number(text) for value, text in zip(values, texts, strict=True)]
    # The component shows numbers without trailing zeros, and uses exponents only for larger ones.
    shown = [
        (text or BLANK) if value is None or text[-1] == "0" or "e" in text else ""
        for value, text in zip(values, texts, strict=True)
    ]
    return _Part(numbers, shown)


_number = lru_cache(maxsize=20_000)(float)
"""The number in a text; there are some ten thousand different scores of two decimals."""


def _sorted_by(value: Value, text: str, unknown: float) -> str | float:
    if value is None:
        return unknown
    return round(value, SORTED_DIGITS) if isinstance(value, int | float) else _shortened(text)


def _by_row(parts: Iterable[Sequence[T]]) -> list[list[T]]:
    return [list(row) for row in zip(*parts, strict=True)]


def model_cell(row: Row, *, is_local: bool) -> str:
    """Return a model's name as Markdown: a link if it has a page, and badges that distinguish its rows."""
    name = _name(row.model, not is_local and row.is_available is not False)
    chat = " `chat`" if row.use_chat_template else ""
    limit = f" `limit {row.limit:g}`" if row.limit is not None else ""
    return f"{name}{chat}{limit}"


@lru_cache(maxsize=50_000)
def _name(model: str, has_page: bool) -> str:
    return str(link(model_address(model) if has_page else None, Markup(_escaped(model))))


def _escaped(text: str) -> str:
    """Escape a text for Markdown: every character that may have a meaning becomes an HTML entity."""
    return MEANINGFUL.sub(lambda found: f"&#{ord(found[0])};", _shortened(text))


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"

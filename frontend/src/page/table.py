"""The table as a component: the only module that knows gradio_leaderboard.

The component is a grid here, under a view made on the server: its own search, filters and column picker are
not used, and style.css hides its search box.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

import pandas as pd
from gradio_leaderboard import Leaderboard, SelectColumns
from markupsafe import Markup

from src.columns import AVERAGE, MODEL, Column, columns, score
from src.leaderboard.rows import Row
from src.leaderboard.scoring import TaskColumn
from src.leaderboard.view import Table
from src.page.details.links import MODEL as MODEL_KEY
from src.page.links import link, model_address
from src.page.marks import at
from src.page.ready import Ready, pass_ready_answers_on, ready
from src.tasks import Task

HEIGHT = 620
BLANK = "\u00a0"
"""The text of a missing value. Without one, a cell would have no height of its own."""

COMPONENT: str = Leaderboard.get_component_class_id()
"""The component's name in the address of its scripts."""

STYLE = Path(inspect.getfile(Leaderboard)).parent / Leaderboard.TEMPLATE_DIR / "component" / "style.css"
"""The component's style sheet, where Gradio looks for it."""

EMPHASIS = "font-weight: 600"

NEW_FOR = timedelta(days=7)
"""For how many days a model has a badge that says it is new."""

NEVER_NEW = datetime.max.replace(tzinfo=UTC)

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
    table: Table,
    local_models: Collection[str],
    marks: Mapping[str, str] = MappingProxyType({}),
    *,
    new_since: datetime = NEVER_NEW,
) -> Contents:
    """Return what the component is sent: the text of each cell, and what is emphasized.

    `marks` has the mark for each reason that a cell can be marked for. Models that were first evaluated after
    `new_since` get a badge.
    """
    parts = [_part(column, table, local_models, marks, new_since) for column in table.columns]
    rows = [list(row) for row in zip(*(part.texts for part in parts), strict=True)]
    styles = [list(row) for row in zip(*(part.styles for part in parts), strict=True)]
    return Contents(
        headers=[column.header for column in table.columns],
        data=rows or [[]],
        metadata={
            "display_value": [[""] * len(table.columns)] * len(table.rows),  # it shows the data as it is
            "styling": styles,
        },
    )


def has_bars(column: Column) -> bool:
    """Return whether a bar behind each score of a column helps: a longer one is better."""
    return column.text is score and not column.lower_first


def _payload(value: object) -> object:
    return value.as_json if isinstance(value, Contents) else value


class _Part(NamedTuple):
    """One column, as it is sent."""

    texts: Sequence[str]
    styles: Sequence[str]


def _part(
    column: Column,
    table: Table,
    local_models: Collection[str],
    marks: Mapping[str, str],
    new_since: datetime,
) -> _Part:
    """Return a column's texts with the marks of its cells, and its styles: its best score is bold."""
    rows, found = table.rows, at(column, table.rows, marks)
    if column is MODEL:
        names = [
            model_cell(row, named, is_local=row.model in local_models, is_new=row.first_ended >= new_since)
            for row, named in zip(rows, table.references, strict=True)
        ]
        return _Part(_marked(names, found), [EMPHASIS] * len(rows))
    values, texts = table.cells(column)
    marked = _marked([shortened(text) or BLANK for text in texts], found)
    best = table.best.get(column.name)
    if column is AVERAGE or best is None:
        return _Part(marked, [EMPHASIS if column is AVERAGE else ""] * len(rows))
    return _Part(marked, [EMPHASIS if value == best else "" for value in values])


def _marked(texts: Sequence[str], marks: Sequence[str]) -> Sequence[str]:
    return [f"{text} {mark}" if mark else text for text, mark in zip(texts, marks, strict=True)]


def model_cell(row: Row, reference: str, *, is_local: bool, is_new: bool = False) -> str:
    """Return a model's name as Markdown, with links to its page and its details, and with badges."""
    name = _name(row.model, not is_local and row.is_available is not False)
    return " ".join([name, _details(reference), *(f"`{badge}`" for badge in badges(row, is_new=is_new))])


def new_since(today: date) -> datetime:
    """Return from when on a first evaluation makes a model new."""
    return datetime.combine(today - NEW_FOR, time.min, UTC)


def badges(row: Row, *, is_new: bool) -> list[str]:
    """Return what distinguishes a row from others of its model, and whether it is new, in a word each."""
    return [
        *(["new"] if is_new else []),
        *(["chat"] if row.use_chat_template else []),
        *(["preliminary"] if row.is_preliminary else []),
    ]


def _details(reference: str) -> str:
    return f'<a href="?{MODEL_KEY}={quote(reference)}">details</a>'


@lru_cache(maxsize=50_000)
def _name(model: str, has_page: bool) -> str:
    return str(link(model_address(model) if has_page else None, Markup(_escaped(model))))


def _escaped(text: str) -> str:
    """Escape a text for Markdown: every character that may have a meaning becomes an HTML entity."""
    return MEANINGFUL.sub(lambda found: f"&#{ord(found[0])};", shortened(text))


def shortened(text: str) -> str:
    """Return a text, or the beginning of one that is too long for a cell."""
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"

"""The controls of the table's view: what a visitor chooses with them is a ViewState."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from src.columns import optional_columns
from src.leaderboard.address import read_size, write_size
from src.leaderboard.filters import FILTERS, AnyOf
from src.leaderboard.scoring import LOWER_IS_BETTER, TaskColumn
from src.leaderboard.search import LONGEST
from src.leaderboard.sorting import Sort
from src.leaderboard.view import BY_RANK, ViewState
from src.page.filter_controls import FilterControls
from src.tasks import Task

WORST_FIRST = "-"
"""Begins the text of the hidden box of the column to sort by, if its worst end comes first."""


class ViewControls:
    """Search, filters, columns, and the hidden ones: the column to sort by and the number of rows.

    Make it where the controls belong on the page.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.offered = optional_columns([TaskColumn(task) for task in tasks])
        self.filters = FilterControls()
        rare = [each.name for each in FILTERS if each.is_rare]
        common = [each for each in FILTERS if not each.is_rare]
        lists = [each.name for each in common if isinstance(each, AnyOf) and each.column]
        with gr.Row():
            self.search = gr.Textbox(
                "",
                label="Search names and licences",
                placeholder="qwen instruct; llama",
                max_length=LONGEST,
                elem_id="search",
                scale=3,
                min_width=280,
            )
            self.filters.place(*lists)
        with gr.Row():
            self.filters.place(*(each.name for each in common if each.name not in lists))
        with gr.Accordion("More filters, and columns", open=False):
            with gr.Row():
                self.filters.place(*rare)
            self.columns = gr.CheckboxGroup(
                [column.name for column in self.offered],
                value=[column.name for column in self.offered if column.is_default],
                label="Columns",
            )
        self.sort = gr.Textbox("", visible="hidden", elem_id="sort", label="The column to sort by")
        self.rows = gr.Textbox("", visible="hidden", label="How many rows are shown")

    @property
    def components(self) -> list[Any]:
        """The components, in the order in which `state` takes their values."""
        return [self.search, self.columns, *self.filters.components, self.sort, self.rows]

    @property
    def used(self) -> list[Any]:
        """The components that a visitor uses; the page itself sets the number of rows."""
        return self.components[:-1]

    def state(self, values: Sequence[Any]) -> ViewState:
        """Return what a visitor chose."""
        search, names, *chosen, sort, rows = values
        return ViewState(
            columns=frozenset(names),
            search=search,
            filters=self.filters.chosen(chosen),
            sort=_sort(sort),
            size=read_size(rows),
        )

    @property
    def opening(self) -> ViewState:
        """What the page opens with."""
        return self.state([each.value for each in self.components])

    def values(self, state: ViewState) -> dict[Any, Any]:
        """Return the value of each component for a state."""
        shown = [column.name for column in self.offered if column.name in (state.columns or ())]
        sort = "" if state.sort == BY_RANK else WORST_FIRST * state.sort.worst_first + state.sort.column
        values = [state.search, shown, *self.filters.values(state.filters), sort, write_size(state.size)]
        return dict(zip(self.components, values, strict=True))


def _sort(text: str) -> Sort:
    """Return the order that the hidden box holds. The script writes the header that was pressed into it."""
    name = text.removeprefix(WORST_FIRST).removesuffix(LOWER_IS_BETTER)
    return Sort(name, worst_first=text.startswith(WORST_FIRST)) if name else BY_RANK

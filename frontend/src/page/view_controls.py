"""The controls of the table's view: what a visitor chooses with them is a ViewState."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

import gradio as gr
from markupsafe import Markup

from src.columns import optional_columns
from src.leaderboard.address import (
    NORMALISED,
    RANGES,
    own_weight,
    read_size,
    scoring,
    scoring_pairs,
    write_size,
)
from src.leaderboard.filter_kinds import AnyOf
from src.leaderboard.filters import FILTERS
from src.leaderboard.rescoring import MOST_WEIGHT
from src.leaderboard.scoring import LOWER_IS_BETTER, TaskColumn
from src.leaderboard.search import LONGEST
from src.leaderboard.sorting import Sort
from src.leaderboard.view import BY_RANK, ViewState
from src.page.filter_controls import FilterControls
from src.page.html import render
from src.tasks import Task

WORST_FIRST = "-"
"""Begins the text of the hidden box of the column to sort by, if its worst end comes first."""


class Weight(NamedTuple):
    """The weight of a column in the average, as a field of a form."""

    name: str
    owners: str
    own: str = ""
    """What the visitor wrote."""
    most: str = f"{MOST_WEIGHT:.0f}"

    @classmethod
    def of(cls, task: Task, own: float | None = None) -> Weight:
        """Return a task's field."""
        return cls(task.col_name, f"{own_weight(task):g}", "" if own is None else f"{own:g}")


def weights_form(tasks: Sequence[Task]) -> Markup:
    """Return a field for the weight of each column. A script passes on what is written there."""
    return render("weights.html", weights=list(map(Weight.of, tasks)))


class ViewControls:
    """Search, filters, columns, and how scores are read.

    Three are hidden: the column to sort by, the weights and the number of rows.

    Make it where the controls belong on the page, and call `place_scores` there too.
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
            with gr.Accordion("Weights of your own", open=False):
                gr.HTML(weights_form(tasks), padding=False, elem_id="own-weights")
        self.weights = gr.Textbox("", visible="hidden", elem_id="weights", label="Your weights")
        self.sort = gr.Textbox("", visible="hidden", elem_id="sort", label="The column to sort by")
        self.rows = gr.Textbox("", visible="hidden", label="How many rows are shown")

    def place_scores(self) -> None:
        """Put here how scores and ranks are read."""
        self.scores = gr.CheckboxGroup(
            [("Ranks as ranges", RANGES), ("Normalised scores", NORMALISED)],
            label="How scores and ranks are read",
            container=False,
            elem_id="how-scores-are-read",
        )

    @property
    def components(self) -> list[Any]:
        """The components, in the order in which `state` takes their values."""
        return [
            self.search,
            self.columns,
            *self.filters.components,
            self.scores,
            self.weights,
            self.sort,
            self.rows,
        ]

    @property
    def used(self) -> list[Any]:
        """The components that a visitor uses; the page itself sets the number of rows."""
        return self.components[:-1]

    def state(self, values: Sequence[Any]) -> ViewState:
        """Return what a visitor chose."""
        search, names, *chosen, scores, weights, sort, rows = values
        return ViewState(
            columns=frozenset(names),
            search=search,
            filters=self.filters.chosen(chosen),
            sort=_sort(sort),
            size=read_size(rows),
            scoring=replace(scoring(weights, self.offered), is_normalised=NORMALISED in (scores or ())),
            has_ranges=RANGES in (scores or ()),
        )

    @property
    def opening(self) -> ViewState:
        """What the page opens with."""
        return self.state([each.value for each in self.components])

    def values(self, state: ViewState) -> dict[Any, Any]:
        """Return the value of each component for a state."""
        shown = [column.name for column in self.offered if column.name in (state.columns or ())]
        sort = "" if state.sort == BY_RANK else WORST_FIRST * state.sort.worst_first + state.sort.column
        values = [
            state.search,
            shown,
            *self.filters.values(state.filters),
            [RANGES] * state.has_ranges + [NORMALISED] * state.scoring.is_normalised,
            urlencode(scoring_pairs(replace(state.scoring, is_normalised=False))),
            sort,
            write_size(state.size),
        ]
        return dict(zip(self.components, values, strict=True))


def _sort(text: str) -> Sort:
    """Return the order that the hidden box holds. The script writes the header that was pressed into it."""
    name = text.removeprefix(WORST_FIRST).removesuffix(LOWER_IS_BETTER)
    return Sort(name, worst_first=text.startswith(WORST_FIRST)) if name else BY_RANK

"""The tab "📈 Charts": one chart at a time, made when a visitor looks at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gradio as gr
from gradio.components.plot import PlotData
from markupsafe import Markup

from src.board.keeper import Keeper
from src.leaderboard.rows import Standings
from src.leaderboard.scores import main_column, score_columns
from src.page.charts.choice import CHART, LABELS, OF, Choice, Kind, label, read
from src.page.charts.draw import KeptCharts
from src.page.charts.drawn import Drawn
from src.page.html import render
from src.page.updates import AT_ONCE, Updates

SCRIPT = Path(__file__).with_name("charts.js")

NOT_READ = "The results are still being read. Open this tab again in a minute."

FOLLOW = """() => { document.dispatchEvent(new Event("chart-drawn")); }"""


class ChartsTab:
    """The tab's components and their events. Make it inside the tab.

    A chart follows a new board when the visitor opens the tab or chooses something, not by itself.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._charts = KeptCharts()
        with gr.Row():
            self.kind = gr.Radio(
                [(LABELS[kind], str(kind)) for kind in Kind],
                value=str(Kind.SIZE),
                label="Chart",
                elem_id="chart-kind",
                scale=3,
                min_width=300,
            )
            self.column = gr.Dropdown([], label="Of", elem_id="chart-of", scale=1, min_width=200)
        with gr.Column(elem_id="chart"):
            self.plot = gr.Plot(show_label=False, container=False, visible=False)
        self.words = gr.HTML(padding=False, elem_id="chart-words")

    @property
    def outputs_of_opening(self) -> list[Any]:
        """The controls, which an address may set."""
        return [self.kind, self.column]

    def listen(self, page: gr.Blocks, tab: gr.Tab) -> None:
        """Draw when the tab is opened and when something is chosen."""
        page.load(None, None, None, js=SCRIPT.read_text(encoding="utf-8"), show_api=False)
        gr.on(
            [tab.select, self.kind.input, self.column.input],
            self.draw,
            [self.kind, self.column],
            [self.kind, self.column, self.plot, self.words],
            trigger_mode="always_last",
            **AT_ONCE,
        ).then(None, None, None, js=FOLLOW, show_api=False)

    def open(self, request: gr.Request) -> Updates:
        """Set the controls to what the address asks for."""
        standings = self._keeper.now.board.standings
        return self._controls(read(request.query_params, standings), standings)

    def draw(self, kind: str | None, column: str | None) -> Updates:
        """Show a chart of the present board."""
        standings = self._keeper.now.board.standings
        choice = read({CHART: kind, OF: column}, standings)
        drawn = self._charts.drawn(standings, choice)
        if not standings.rows and not self._keeper.now.synced:
            drawn = Drawn(NOT_READ)
        plot = PlotData(type="plotly", plot=drawn.figure) if drawn.figure else None
        return self._controls(choice, standings) | {
            self.plot: gr.update(value=plot, visible=plot is not None, elem_classes=[f"chart-{choice.kind}"]),
            self.words: words(drawn, choice, standings),
        }

    def _controls(self, choice: Choice, standings: Standings) -> Updates:
        offered = [(label(each), each.name) for each in score_columns(standings)]
        return {
            self.kind: gr.update(value=str(choice.kind)),
            self.column: gr.update(
                choices=offered, value=choice.column.name, visible=choice.kind.has_a_column
            ),
        }


def words(drawn: Drawn, choice: Choice, standings: Standings) -> Markup:
    """Return what stands below a chart."""
    is_main = choice.column.name == main_column(standings).name
    return render(
        "chart.html",
        drawn=drawn,
        title=LABELS[choice.kind],
        query=choice.query(standings),
        of="" if is_main else urlencode({OF: choice.column.name}, errors="replace"),
    )

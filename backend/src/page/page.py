"""The backend's page: what runs, what waits, what failed, what happened last. It only looks; the worker ticks
whether or not anyone does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from src.page import sections
from src.page.lately import Lately
from src.queue.reconciler import Reconciler
from src.queue.ticker import Ticker
from src.shared.serving.calls.page import Page
from src.shared.times import utc_now
from src.shared.version import FOOT
from src.shared.wiring import Stores
from src.suite.announcer import Announcer

REFRESH_SECONDS = 2.0
CREATED = "The dataset {} was missing and has been created, empty."
GATHERS = (
    "The Hub takes only so many commits an hour: what there is to write is gathered until {:%H:%M:%S} UTC."
)
RESTS = (
    "The last evaluation failed through this worker's own fault, not the model's: nothing is begun until "
    "{:%H:%M:%S} UTC."
)
QUIETLY: dict[str, Any] = {"show_progress": "hidden", "show_api": False}
"""They queue, since that is how a page notices that it has lost its server."""

STYLE = Path(__file__).with_name("style.css")


def build_page(reconciler: Reconciler, ticker: Ticker, announcer: Announcer, stores: Stores) -> gr.Blocks:
    """Make the page of one worker."""

    def look() -> list[str]:
        overview = reconciler.overview()
        problems = [each for each in (ticker.problem, *announcer.problems) if each]
        told = [*notes(reconciler, stores), *([announcer.note] if announcer.note else [])]
        return [
            sections.header(reconciler.worker, last_tick=ticker.last, notes=told, problems=problems),
            sections.running(overview, utc_now()),
            sections.waiting(overview),
            sections.failed(overview, stores.results.address),
            sections.events(overview),
        ]

    shown = Lately(look)

    def show() -> list[str]:
        return shown.get()

    page: Page
    with Page(
        title="Leaderboard backend",
        # Fonts of the visitor's machine: nothing is fetched from elsewhere.
        theme=gr.themes.Default(
            primary_hue="indigo",
            neutral_hue="slate",
            font=["system-ui", "sans-serif"],
            font_mono=["ui-monospace", "monospace"],
        ),
        css=STYLE.read_text(encoding="utf-8"),
        analytics_enabled=False,
    ) as page:
        parts = [gr.HTML(padding=False) for _ in range(5)]
        gr.HTML(FOOT, padding=False)
        page.load(show, None, parts, **QUIETLY)
        gr.Timer(REFRESH_SECONDS).tick(show, None, parts, **QUIETLY)
    return page


def notes(reconciler: Reconciler, stores: Stores) -> list[str]:
    """What the owner should know although nothing is wrong."""
    told = [stores.notice] if stores.notice else []
    told += [CREATED.format(store) for store in reconciler.created()]
    if rests_until := reconciler.rests_until():
        told.append(RESTS.format(rests_until))
    gathers_until = reconciler.gathers_until()
    return told + ([GATHERS.format(gathers_until)] if gathers_until else [])

"""The backend's page: running evaluations, the queue, failures and recent events.

It only reads. The worker ticks whether or not anyone has the page open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from src.fleet.dispatcher import Dispatcher
from src.inference.hosting import Hosting
from src.page import sections
from src.page.brief_cache import BriefCache
from src.queue.reconciler import Reconciler
from src.queue.ticker import Ticker
from src.shared.doctor.finding import Finding
from src.shared.serving.calls.page import Page
from src.shared.serving.theme import theme
from src.shared.times import utc_now
from src.shared.version import FOOT
from src.shared.wiring import Stores
from src.suite.announcer import Announcer

REFRESH_SECONDS = 2.0
CREATED = "The dataset {} was missing, so an empty one has been created."
GATHERS = (
    "The Hub limits the commits per hour, so the worker collects its changes until {:%H:%M:%S} UTC and "
    "writes them together."
)
RESTS = (
    "The last evaluation failed because of this worker, not because of the model. No evaluation starts "
    "before {:%H:%M:%S} UTC."
)
QUIETLY: dict[str, Any] = {"show_progress": "hidden", "show_api": False}
"""Such calls still use Gradio's queue, because that is how a page notices that it has lost its server."""

STYLE = Path(__file__).with_name("style.css")


def build_page(
    reconciler: Reconciler,
    ticker: Ticker,
    announcer: Announcer,
    stores: Stores,
    hosting: Hosting | None = None,
    findings: Callable[[], Sequence[Finding]] = tuple,
    dispatcher: Dispatcher | None = None,
) -> gr.Blocks:
    """Make the page of one worker. `findings` are those of the check-up that strangers may read."""

    def render() -> list[str]:
        overview = reconciler.overview()
        of_servers = hosting.problems if hosting else ()
        fleet = dispatcher.shown if dispatcher else None
        of_the_fleet = fleet.problems if fleet else ()
        found = (ticker.problem, *announcer.problems, *of_servers, *of_the_fleet)
        problems = [each for each in found if each]
        shown_notes = [*notes(reconciler, stores), *([announcer.note] if announcer.note else [])]
        return [
            sections.header(
                reconciler.worker,
                last_tick=ticker.last,
                notes=shown_notes,
                problems=problems,
                spending=overview.spending,
            ),
            sections.fleet(fleet, utc_now()),
            sections.running(overview, utc_now()),
            sections.waiting(overview),
            sections.failed(overview, stores.results.address),
            sections.events(overview),
            sections.checkup(findings()),
        ]

    shown = BriefCache(render)

    def show() -> list[str]:
        return shown.get()

    page: Page
    with Page(
        title="Leaderboard backend",
        theme=theme(),
        css=STYLE.read_text(encoding="utf-8"),
        analytics_enabled=False,
    ) as page:
        parts = [gr.HTML(padding=False) for _ in range(7)]
        gr.HTML(FOOT, padding=False)
        page.load(show, None, parts, **QUIETLY)
        gr.Timer(REFRESH_SECONDS).tick(show, None, parts, **QUIETLY)
    return page


def notes(reconciler: Reconciler, stores: Stores) -> list[str]:
    """Return what the owner should know although nothing is wrong."""
    found = [stores.notice] if stores.notice else []
    found += [CREATED.format(store) for store in reconciler.datasets.created()]
    if rests_until := reconciler.rests_until():
        found.append(RESTS.format(rests_until))
    if gathers_until := reconciler.datasets.gathers_until():
        found.append(GATHERS.format(gathers_until))
    return found

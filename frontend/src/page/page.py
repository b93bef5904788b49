"""The page as a whole: title, tabs, the clock that keeps it up to date, and the named endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from anyio import to_thread
from gradio.events import api as api_endpoint
from markupsafe import Markup

from src import api
from src.board import Board, Keeper
from src.case import MAIN, PRECISIONS, UNKNOWN_TYPE, Form
from src.page import notices
from src.page.about_tab import AboutTab
from src.page.leaderboard_tab import LeaderboardTab
from src.page.submit_form import SUBMITTING_AT_ONCE
from src.page.submit_tab import REQUEST, SubmitTab
from src.page.updates import Updates
from src.page.visitors import Visitors
from src.shared.errors import LeaderboardError
from src.shared.request import ORIGINAL
from src.submission import Desk
from src.tasks import Task
from src.texts import Texts

TICK_SECONDS = 5.0
STYLE = Path(__file__).with_name("style.css")
SUBMIT = "submit"
NAME_THE_TAB = """
() => {
    const address = new URL(location.href);
    address.searchParams.set("tab", "submit");
    history.replaceState(history.state, "", address);
}
"""
TRUE = ("true", "1")
"""What programs write for it; types are not checked on the way here."""

AT_ONCE = 8
"""How many visitors' events of one kind are worked on at the same time."""


def build_page(
    keeper: Keeper,
    desk: Desk,
    texts: Texts,
    tasks: Sequence[Task],
    visitors: Visitors,
    *,
    num_fewshot: int | None = None,
    notice: str = "",
) -> gr.Blocks:
    """Make the page. `num_fewshot` is what about.py says, `notice` a sentence for the top."""
    page: gr.Blocks
    with gr.Blocks(
        title=Markup(texts.title).striptags() or "Leaderboard",
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
        gr.HTML(texts.title)
        gr.Markdown(texts.introduction)
        banner = gr.HTML(padding=False)
        with gr.Tabs() as tabs:
            with gr.Tab("🏅 LLM Benchmark", id="leaderboard"):
                leaderboard = LeaderboardTab(keeper, tasks, texts)
            with gr.Tab("📝 About", id="about"):
                about = AboutTab(keeper, texts, num_fewshot=num_fewshot)
            with gr.Tab("🚀 Submit here!", id=SUBMIT) as submit_tab:
                submit = SubmitTab(keeper, desk, texts, visitors)
        _keep_up_to_date(page, keeper, leaderboard, about, submit, banner, notice)
        _follow_the_address(page, tabs, submit_tab, submit)
        _endpoints(keeper, desk, visitors)
    page.queue(default_concurrency_limit=AT_ONCE)
    return page


def _keep_up_to_date(
    page: gr.Blocks,
    keeper: Keeper,
    leaderboard: LeaderboardTab,
    about: AboutTab,
    submit: SubmitTab,
    banner: Any,
    notice: str,
) -> None:
    """Fill the page when it is opened, and look for changes every few seconds.

    `seen` is the version that a visitor's page is at: while it stays the same, a look costs next to nothing.
    It is a component and no State because only a queued event, which costs more, tells that a State changed.
    """
    seen = gr.Number(visible="hidden")

    def version() -> int:
        return keeper.now.version

    def live(request: gr.Request, looking: Board | None, model: str, opened: str) -> Updates:
        now = keeper.now
        told = {banner: notices.banner(now, notice=notice)}
        followed = about.follow(now, model) | submit.follow(request, opened)
        return told | followed | leaderboard.notice(looking, now)

    quietly: dict[str, Any] = {"show_progress": "hidden", "show_api": False}
    opened = page.load(leaderboard.look, leaderboard.choices, leaderboard.outputs, **quietly)
    opened.then(version, None, seen, queue=False, **quietly)
    gr.Timer(TICK_SECONDS).tick(version, None, seen, queue=False, **quietly)
    changing = [banner, *about.outputs, *submit.outputs, leaderboard.new_results]
    seen.change(live, [leaderboard.looking, about.model, submit.own.opened], changing, queue=False, **quietly)
    leaderboard.listen()
    about.listen()
    submit.listen(page)


def _follow_the_address(page: gr.Blocks, tabs: gr.Tabs, submit_tab: gr.Tab, submit: SubmitTab) -> None:
    """Open the tab that the address names, and name the tab in it: whoever signs in comes back to it."""

    def open_tab(request: gr.Request) -> Updates:
        query = request.query_params
        is_wanted = REQUEST in query or query.get("tab") == SUBMIT
        return submit.open(request) | ({tabs: gr.Tabs(selected=SUBMIT)} if is_wanted else {})

    page.load(open_tab, None, [tabs, *submit.outputs_of_opening], show_progress="hidden", show_api=False)
    submit_tab.select(None, None, None, js=NAME_THE_TAB, show_api=False)


def _endpoints(keeper: Keeper, desk: Desk, visitors: Visitors) -> None:
    """The named endpoints; docs/api.md describes them."""

    def leaderboard() -> dict[str, Any]:
        return {**api.leaderboard(keeper.now.board)}

    def reproduce(model: str = "") -> list[dict[str, Any]]:
        return api.reproduce(keeper.now.board, str(model or ""))

    def queue() -> list[dict[str, Any]]:
        return api.queue(keeper.now.board)

    async def submit(
        request: gr.Request,
        model: str,
        base_model: str = "",
        revision: str = MAIN,
        precision: str = PRECISIONS[0],
        weight_type: str = ORIGINAL,
        model_type: str = UNKNOWN_TYPE,
        use_chat_template: bool = False,
    ) -> dict[str, Any]:
        optional = {
            "base_model": base_model,
            "revision": revision,
            "precision": precision,
            "weight_type": weight_type,
            "model_type": model_type,
        }
        # Types were not checked on the way here; whoever cannot leave a value out gives null.
        given = {name: str(value) for name, value in optional.items() if value}
        form = Form(str(model or ""), **given, use_chat_template=str(use_chat_template).lower() in TRUE)
        try:
            who = await to_thread.run_sync(visitors.submitter, request)
        except LeaderboardError as error:
            return {**api.refusal(error)}
        return {**await api.submit(desk, form, who)}

    async def withdraw(request: gr.Request, path: str) -> dict[str, Any]:
        try:
            who = await to_thread.run_sync(visitors.submitter, request)
        except LeaderboardError as error:
            return {**api.refusal(error)}
        return {**await api.withdraw(desk, str(path or ""), who)}

    api_endpoint(leaderboard, api_description="The whole table: headers, and rows of plain values.")
    api_endpoint(reproduce, api_description="The commands that compute the rows of a model again.")
    api_endpoint(queue, api_description="All requests with their status.")
    api_endpoint(
        submit, api_description="Submit a model for evaluation.", concurrency_limit=SUBMITTING_AT_ONCE
    )
    api_endpoint(
        withdraw, api_description="Take a request of your own back.", concurrency_limit=SUBMITTING_AT_ONCE
    )

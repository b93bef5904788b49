"""The page as a whole: title, tabs, and the clock that keeps it up to date."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from markupsafe import Markup

from src.board.keeper import Keeper
from src.maintaining.maintainers import IsOwner, Maintainers
from src.maintaining.office import Office
from src.page import notices
from src.page.about_tab import AboutTab
from src.page.admission import Admission
from src.page.charts.charts_tab import ChartsTab
from src.page.checkup import Checkup, Findings
from src.page.details import SCRIPT as DETAILS_SCRIPT
from src.page.details import STYLE as DETAILS_STYLE
from src.page.endpoints import add_endpoints
from src.page.leaderboard_tab import LeaderboardTab
from src.page.links import REQUEST
from src.page.maintain_tab import MaintainTab
from src.page.submit_tab import SubmitTab
from src.page.texts import Texts
from src.page.updates import LOOKUPS, QUIETLY, SUBMISSIONS, Updates
from src.page.visitors import Visitors
from src.shared.serving.calls.page import Page
from src.shared.serving.theme import theme
from src.shared.version import FOOT
from src.submitting.desk import Desk
from src.tasks import Task

TICK_SECONDS = 5.0
STYLES = [Path(__file__).with_name("style.css"), DETAILS_STYLE]
CONNECTION = Path(__file__).with_name("connection.js")
NAME_THE_TAB = Path(__file__).with_name("tabs.js")
LEADERBOARD_TAB, CHARTS_TAB, ABOUT_TAB, SUBMIT_TAB = "leaderboard", "charts", "about", "submit"
"""The tabs. An address names all but the first."""

AT_ONCE = 8
"""How many events of one kind are processed at the same time."""


def build_page(
    keeper: Keeper,
    desk: Desk,
    texts: Texts,
    tasks: Sequence[Task],
    visitors: Visitors,
    office: Office,
    maintainers: Maintainers,
    *,
    num_fewshot: int | None = None,
    notice: str = "",
    space: str | None = None,
    findings: Findings | None = None,
    is_owner: IsOwner = lambda login, token: False,
) -> gr.Blocks:
    """Make the page. `num_fewshot` is the setting in about.py, `notice` a sentence for the top, `space` the
    Space that shows the page, as the Hub names it. `findings` are shown to those who are the owner.
    """
    page: Page
    with Page(
        title=Markup(texts.title).striptags() or "Leaderboard",
        theme=theme(),
        css="\n".join(style.read_text(encoding="utf-8") for style in STYLES),
        analytics_enabled=False,
        waiting=(SUBMISSIONS, LOOKUPS),
    ) as page:
        admission = Admission(maintainers, visitors)
        gr.HTML(texts.title)
        gr.Markdown(texts.introduction)
        banner = gr.HTML(padding=False)
        with gr.Tabs() as tabs:
            with gr.Tab("🏅 LLM Benchmark", id=LEADERBOARD_TAB, elem_id="tab-leaderboard") as leaderboard_tab:
                leaderboard = LeaderboardTab(keeper, tasks, texts, num_fewshot=num_fewshot, space=space)
            with gr.Tab("📈 Charts", id=CHARTS_TAB, elem_id="tab-charts") as charts_tab:
                charts = ChartsTab(keeper)
            with gr.Tab("📝 About", id=ABOUT_TAB, elem_id="tab-about") as about_tab:
                about = AboutTab(keeper, texts, num_fewshot=num_fewshot)
            with gr.Tab("🚀 Submit here!", id=SUBMIT_TAB, elem_id="tab-submit") as submit_tab:
                submit = SubmitTab(keeper, desk, texts, visitors, admission.maintains)
            maintain = MaintainTab(keeper, desk, office, admission) if desk.terms.login else None
        checkup = Checkup(findings, is_owner, visitors) if findings and desk.terms.login else None
        _keep_up_to_date(page, keeper, leaderboard, about, submit, banner, notice)
        charts.listen(page, charts_tab)
        each = [leaderboard_tab, charts_tab, about_tab, submit_tab, *([maintain.tab] if maintain else [])]
        _follow_the_address(page, tabs, each, submit, charts, checkup, maintain)
        add_endpoints(keeper, desk, visitors, office, maintainers)
        gr.HTML(FOOT, padding=False)
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
    """Fill the page when it opens, and check for changes every few seconds.

    `seen` is the version that a visitor's page shows. While it stays the same, a check costs almost nothing.
    It is a component, not a State: only a queued event, which costs more, reports a change of a State.
    """
    seen = gr.Number(visible="hidden")

    def version() -> int:
        return keeper.now.version

    def live(request: gr.Request, seen_board: int | None, model: str, opened: str) -> Updates:
        now = keeper.now
        top = {banner: notices.banner(now, notice=notice)}
        followed = about.follow(now, model) | submit.follow(request, opened)
        return top | followed | leaderboard.notice(seen_board, now)

    opened = page.load(leaderboard.open, None, leaderboard.outputs_of_opening, **QUIETLY)
    opened.then(version, None, seen, queue=False, **QUIETLY)
    gr.Timer(TICK_SECONDS).tick(version, None, seen, queue=False, **QUIETLY)
    changing = [banner, *about.outputs, *submit.outputs, leaderboard.new_results]
    inputs = [leaderboard.seen_board, about.model, submit.own.opened]
    seen.change(live, inputs, changing, queue=False, **QUIETLY)
    for script in (CONNECTION, DETAILS_SCRIPT):
        page.load(None, None, None, js=script.read_text(encoding="utf-8"), show_api=False)
    # A server that has restarted may have the same version as before.
    leaderboard.listen(page).then(live, inputs, changing, queue=False, **QUIETLY)
    about.listen()
    submit.listen(page)


def _follow_the_address(
    page: gr.Blocks,
    tabs: gr.Tabs,
    each: Sequence[gr.Tab],
    submit: SubmitTab,
    charts: ChartsTab,
    checkup: Checkup | None,
    maintain: MaintainTab | None,
) -> None:
    """Open the tab in the address, and write the open tab into it."""

    def open_tab(request: gr.Request) -> Updates:
        query = request.query_params
        wanted = SUBMIT_TAB if REQUEST in query else query.get("tab")
        is_known = wanted in (CHARTS_TAB, ABOUT_TAB, SUBMIT_TAB)
        opened = submit.open(request) | charts.open(request)
        for part in (checkup, maintain):
            opened |= part.open(request) if part else {}
        return opened | ({tabs: gr.Tabs(selected=wanted)} if is_known else {})

    # Not queued: if a page begins with two queued events, Gradio's client may lose the answer of the second
    # when the first ends, and with it the tab and the login.
    outputs = [tabs, *submit.outputs_of_opening, *charts.outputs_of_opening]
    if checkup:
        outputs += checkup.outputs_of_opening
        checkup.listen()
    if maintain:
        maintain.place_hidden()
        outputs += maintain.outputs_of_opening
        maintain.listen(tabs, submit)
    page.load(open_tab, None, outputs, queue=False, **QUIETLY)
    script = NAME_THE_TAB.read_text(encoding="utf-8")
    for tab in each:
        tab.select(None, None, None, js=f'() => ({script})("{tab.id}")', show_api=False)

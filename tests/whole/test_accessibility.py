"""The page for people who see little, use no mouse, or cannot bear motion: each tab, in both themes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.pages import make_leaderboard, served
from local_leaderboard import Space, running
from support.axe import violations
from support.pages import opening

TABS = {
    "LLM Benchmark": "Search",
    "Charts": "The numbers as a table",
    "About": "How it works",
    "Submit here!": "Model name",
}
MODELS = 60
OPEN_EVERYTHING = """() => {
    const closed = [...document.querySelectorAll("button.label-wrap:not(.open)")]
    closed.filter(button => button.offsetParent).forEach(button => button.click())
}"""

LOOK = """() => {
    const look = element => {
        const style = getComputedStyle(element)
        const hasOutline = style.outlineStyle !== "none" && style.outlineWidth !== "0px"
        return hasOutline && style.outline
    }
    const before = window.lookedAt
    const isSeen = before && before.chain.map(look).join() !== before.looks
    const element = document.activeElement
    const chain = []
    for (let each = element; each && chain.length < 4; each = each.parentElement) chain.push(each)
    window.lookedAt = {chain, looks: chain.map(look).join(), html: element.outerHTML.slice(0, 200)}
    const {top, bottom} = element.getBoundingClientRect()
    return {
        end: element === document.body,
        name: element.ariaLabel || element.innerText || element.closest("label")?.innerText || "",
        inTable: element.closest("#leaderboard") !== null,
        inSight: bottom > 0 && top < innerHeight,
        unseen: before && !isSeen ? before.html : "",
    }
}"""
"""What has the focus, and whether what had it before now looks different. The element's own frame and those
of the three around it count: the box of a list has it outside.
"""


@pytest.fixture(scope="module")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """A frontend with results and finished requests."""
    folder = tmp_path_factory.mktemp("accessible")
    make_leaderboard(folder, models=MODELS, organizations=6, tasks=5)
    with served("many_tasks_app", folder, tasks=5) as frontend:
        yield frontend


def opened(page: Page, frontend: Space, theme: str = "light") -> Page:
    """Open the page, and wait until it shows the table."""
    with opening(page):
        page.goto(f"{frontend.url}?__theme={theme}")
    expect(page.get_by_text(f"{MODELS} models")).to_be_visible()
    expect(page.locator("#leaderboard td[tabindex]").first).to_be_attached()
    return page


def show(page: Page, tab: str) -> None:
    """Open a tab and everything that can be opened in it."""
    page.get_by_role("tab", name=tab).click()
    expect(page.get_by_text(TABS[tab]).locator("visible=true").first).to_be_visible()
    if tab == "Charts":  # what comes later moves what has the focus
        expect(page.locator("#chart .js-plotly-plot .point").first).to_be_attached()
    closed = page.locator("button.label-wrap:not(.open)").locator("visible=true")
    while closed.count():  # what opens may have more within
        page.evaluate(OPEN_EVERYTHING)
    expect(closed).to_have_count(0)


@pytest.mark.parametrize(
    ("width", "theme"),
    [
        (1400, "light"),
        (390, "dark"),
        pytest.param(1400, "dark", marks=pytest.mark.slow),
        pytest.param(390, "light", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_serious_on_any_tab(
    browser: Browser, frontend: Space, theme: str, width: int
) -> None:
    page = opened(browser.new_page(viewport={"width": width, "height": 900}), frontend, theme)
    found = {}
    for tab in TABS:
        show(page, tab)
        found[tab] = violations(page)
    page.close()
    assert found == {tab: [] for tab in TABS}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_backends_page(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, theme: str
) -> None:
    with running(tmp_path_factory.mktemp("backend"), ("backend",), HF_HUB_OFFLINE="1") as spaces:
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(f"{spaces['backend'].url}?__theme={theme}")
        expect(page.locator(".card").first).to_be_visible()
        found = violations(page)
        page.close()
    assert found == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("query", ["", "?q=model-1&sort=Task+1", "?q=nobody", "?embed=1"])
def test_axe_finds_nothing_serious_on_the_plain_page(
    browser: Browser, frontend: Space, theme: Literal["light", "dark"], query: str
) -> None:
    # The page allows no scripts; axe is one.
    context = browser.new_context(viewport={"width": 390, "height": 900}, color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{frontend.url}/table{query}")
    for folded in page.locator("details").all():
        folded.evaluate("each => { each.open = true }")
    found = violations(page)
    context.close()
    assert found == []


def test_axe_is_able_to_find_something(browser: Browser, frontend: Space) -> None:
    page = opened(browser.new_page(), frontend)
    page.evaluate(
        """() => document.querySelector('#leaderboard').insertAdjacentHTML(
            'beforebegin', '<p id="pale" style="color: #eee; background: #fff">Nobody reads this.</p>'
        )"""
    )
    found = violations(page)
    page.close()
    assert any("color-contrast" in each and "pale" in each for each in found)


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_the_whole_page_by_keyboard_with_the_focus_in_sight(
    browser: Browser, frontend: Space, theme: str
) -> None:
    # A frame that grows for a moment may not be there yet when it is looked at.
    page = browser.new_page(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    opened(page, frontend, theme)
    reached: dict[str, list[dict[str, Any]]] = {}
    for tab in TABS:
        show(page, tab)
        page.evaluate("document.activeElement.blur(); window.lookedAt = null")
        stops = reached[tab] = []
        while not stops or not stops[-1]["end"]:
            assert len(stops) < 400, "the focus does not come out again"
            page.keyboard.press("Tab")
            stops.append(page.evaluate(LOOK))
        stops.pop()
    page.close()
    assert [each["unseen"] for stops in reached.values() for each in stops if each["unseen"]] == []
    assert [each["name"] for stops in reached.values() for each in stops if not each["inSight"]] == []
    assert len([each for each in reached["LLM Benchmark"] if each["inTable"]]) == 1
    for tab, names in {
        "LLM Benchmark": ["Search", "Type", "Size from", "Task 1", "Copy link"],
        "About": ["Model"],
        "Submit here!": ["Model name", "Precision", "Submit", "Finished requests"],
    }.items():
        text = " | ".join(each["name"] for each in reached[tab])
        assert [name for name in names if name not in text] == [], tab


OUT_OF_THE_WINDOW = """() => {
    const scrollers = "#leaderboard, #chart, .numbers, .queue, .suite, #about table, .tab-wrapper"
    const controls = [...document.querySelectorAll("button, input, textarea, label, a, p, h1, h2, h3")]
    return controls
        .filter(each => each.checkVisibility({visibilityProperty: true}) && !each.closest(scrollers))
        .filter(each => {
            const {left, right, width} = each.getBoundingClientRect()
            return width > 1 && (left < -1 || right > innerWidth + 1)
        })
        .map(each => each.outerHTML.slice(0, 150))
}"""


FITS = """() => {
    const height = name => document.querySelector(`#leaderboard ${name}`).getBoundingClientRect().height
    const table = height("svelte-virtual-table-viewport table")
    return height(".table-wrap") - 4 < table && table < innerHeight
}"""
"""There is no gap below the table, and the page can be scrolled beside it."""


def test_at_200_percent_nothing_is_cut_off(browser: Browser, frontend: Space) -> None:
    """A window of 1400 pixels shows half as many at 200 %."""
    page = browser.new_page(viewport={"width": 700, "height": 450}, device_scale_factor=2)
    opened(page, frontend)
    page.wait_for_function(FITS)
    for tab in TABS:
        show(page, tab)
        assert page.evaluate("document.documentElement.scrollWidth") <= 700, tab
        assert page.evaluate(OUT_OF_THE_WINDOW) == [], tab
    page.close()


MOVING = """() => [...document.querySelectorAll("*")].flatMap(each =>
    ["", "::before", "::after"].map(part => {
    const style = getComputedStyle(each, part || null)
    const longest = text => Math.max(...text.split(",").map(parseFloat))
    const isMoving = longest(style.transitionDuration) > 0.001
        || (style.animationName !== "none" && longest(style.animationDuration) > 0.001)
    return isMoving ? each.outerHTML.slice(0, 100) + part : ""
})).filter(Boolean)"""


@pytest.mark.parametrize("space", ["frontend", "backend"])
def test_nothing_moves_for_who_wants_no_motion(
    browser: Browser, frontend: Space, tmp_path_factory: pytest.TempPathFactory, space: str
) -> None:
    if space == "frontend":
        page = opened(browser.new_page(reduced_motion="reduce"), frontend)
        for tab in TABS:
            show(page, tab)
            assert page.evaluate(MOVING) == [], tab
        page.emulate_media(reduced_motion="no-preference")
        assert page.evaluate(MOVING) != []  # so the test can see motion
        page.close()
        return
    with running(tmp_path_factory.mktemp("backend"), ("backend",), HF_HUB_OFFLINE="1") as spaces:
        page = browser.new_page(reduced_motion="reduce")
        page.goto(spaces["backend"].url)
        expect(page.locator(".card").first).to_be_visible()
        assert page.evaluate(MOVING) == []
        page.close()

"""The charts in a browser: at a desk and on a phone, light and dark, by mouse, by keyboard, from a link."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, TimeoutError, expect

from bench.pages import make_leaderboard, served
from local_leaderboard import Space
from support.axe import violations
from support.leaderboard import Datasets, datasets_in_a_folder
from support.pages import listening, opening

KINDS = {
    "size": ("Score and size", "show-model"),
    "cost": ("Score and cost", "show-model"),
    "time": ("Best over time", "show-model"),
    "heatmap": ("Tasks and models", "show-model"),
    "correlation": ("Correlation of tasks", "show-task"),
}
POINT = {
    "size": ".point",
    "cost": ".point",
    "time": ".point",
    "heatmap": ".heatmap-label",
    "correlation": ".heatmap-label",
}
HOSTILE = "<b>x</b><img src=x onerror=window.isRun=1>%{x}"
"""A precision, which tells the rows of one model apart. The names of models are checked."""

LISTEN = """() => { window.heard = []; for (const name of ["show-model", "show-task"])
    document.addEventListener(name, event => heard.push([name, event.detail])) }"""

CONTRAST = """() => {
    const channels = color => color.match(/[\\d.]+/g).slice(0, 3).map(each => each / 255)
    const light = color => channels(color)
        .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
        .reduce((sum, each, place) => sum + each * [0.2126, 0.7152, 0.0722][place], 0)
    const paper = light(getComputedStyle(document.querySelector("gradio-app")).backgroundColor)
    const named = ":is(.xtick, .ytick, .g-xtitle, .g-ytitle, .traces) text"
    const texts = document.querySelectorAll(`#chart ${named}`)
    return [...texts].map(each => {
        const ink = light(getComputedStyle(each).fill)
        return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)
    })
}"""


@pytest.fixture(scope="module")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """A frontend with results on a few tasks."""
    folder = tmp_path_factory.mktemp("charts")
    make_leaderboard(folder, models=40, organizations=6, tasks=5)
    with served("many_tasks_app", folder, tasks=5) as frontend:
        yield frontend


@pytest.fixture(
    params=[
        (1400, "light"),
        (390, "dark"),
        pytest.param((1400, "dark"), marks=pytest.mark.slow),
        pytest.param((390, "light"), marks=pytest.mark.slow),
    ]
)
def page(browser: Browser, frontend: Space, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A window of some width in a theme, at the table."""
    width, theme = request.param
    page = browser.new_page(viewport={"width": width, "height": 900})
    with listening(page):
        page.goto(f"{frontend.url}?__theme={theme}")
        expect(page.locator("#leaderboard td[tabindex]").first).to_be_attached()
        page.evaluate(LISTEN)
        yield page
    page.close()


def plot(page: Page) -> Locator:
    return page.locator("#chart .js-plotly-plot")


def show(page: Page, kind: str) -> None:
    """Choose a chart, and wait until it is drawn."""
    page.get_by_role("radio", name=KINDS[kind][0]).check()
    expect(page.locator(f"#chart .chart-{kind} .js-plotly-plot {POINT[kind]}").first).to_be_attached()
    expect(page.locator("#chart-told")).to_have_attribute("data-event", KINDS[kind][1])


def press(page: Page, point: Locator) -> str:
    """Press a point until the page hears it, and return what the hover says before.

    Plotly misses a press that comes while it lays the chart out once more.
    """
    for _ in range(10):
        said = press_once(page, point)
        with suppress(TimeoutError):
            page.wait_for_function("heard.length", timeout=20_000)
            return said
    raise AssertionError("the page hears no press")


def press_once(page: Page, point: Locator) -> str:
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 2, y)
    page.mouse.move(x, y)
    hover = page.locator(".hoverlayer .hovertext").first
    expect(hover).to_be_attached()
    said = hover.text_content() or ""
    page.mouse.down()
    page.wait_for_timeout(100)  # plotly takes a shorter press for none
    page.mouse.up()
    return said


def test_each_chart_is_shown_tells_its_models_and_can_be_read(page: Page) -> None:
    page.get_by_role("tab", name="Charts").click()
    for kind, (_, event) in KINDS.items():
        show(page, kind)
        said = page.locator("#chart-told [role=status]").text_content()
        assert said
        expect(page.get_by_role("img", name=said)).to_be_visible()
        contrasts: list[float] = page.evaluate(CONTRAST)
        assert len(contrasts) > 5
        assert min(contrasts) >= 4.5
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert not page.locator("#chart .modebar").count()
        assert violations(page) == []
        hover = press(page, plot(page).locator(POINT[kind]).first)
        heard: list[Any] = page.evaluate("heard.splice(0)")
        assert heard[0][0] == event
        assert heard[0][1] in hover
        expect(page.locator("#details h1")).to_have_text(heard[0][1])
        page.keyboard.press("Escape")
        expect(page.locator("#details")).to_be_hidden()


def test_the_numbers_are_reached_by_keyboard(page: Page) -> None:
    page.get_by_role("tab", name="Charts").click()
    show(page, "size")
    page.locator("#chart-of input").focus()
    focused = "document.activeElement.innerText"
    for _ in range(5):
        page.keyboard.press("Tab")
        if page.evaluate(focused) == "The numbers as a table":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#chart-told table")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    name = page.evaluate(focused)
    assert page.evaluate("document.activeElement.getAttribute('href')") == f"?model={name}"


def test_a_link_opens_the_same_chart_and_the_other_tabs_forget_it(browser: Browser, frontend: Space) -> None:
    page, other = browser.new_page(), browser.new_page()
    with listening(page), listening(other):
        with opening(page):
            page.goto(frontend.url)
        page.get_by_role("tab", name="Charts").click()
        show(page, "size")  # what is drawn first would choose it again
        show(page, "time")
        page.locator("#chart-of input").click()
        page.get_by_role("option", name="Task 3").click()
        expect(page).to_have_url(f"{frontend.url}/?tab=charts&chart=time&of=Task+3")
        expect(plot(page).locator(".g-ytitle")).to_have_text("Task 3")
        other.goto(page.url)
        expect(plot(other).locator(".g-ytitle")).to_have_text("Task 3")
        expect(other.get_by_role("radio", name="Best over time")).to_be_checked()
        expect(other).to_have_url(page.url)
        page.get_by_role("tab", name="LLM Benchmark").click()
        expect(page).to_have_url(f"{frontend.url}/")
        page.get_by_role("tab", name="Charts").click()
        expect(page).to_have_url(other.url)
        other.goto(f"{frontend.url}?tab=charts&chart=pie&of=nothing")
        expect(plot(other).locator(".g-ytitle")).to_have_text("Average")
        expect(other).to_have_url(f"{frontend.url}/?tab=charts")
    page.close()
    other.close()


def test_only_the_chart_that_is_looked_at_is_loaded(browser: Browser, frontend: Space) -> None:
    page = browser.new_page()
    loaded: list[str] = []
    page.on("response", lambda answer: loaded.append(answer.url))
    page.goto(frontend.url)
    expect(page.locator("#leaderboard td[tabindex]").first).to_be_attached()
    assert not any("PlotlyPlot" in url for url in loaded)
    page.get_by_role("tab", name="Charts").click()
    expect(plot(page).locator(".point").first).to_be_attached()
    assert any("PlotlyPlot" in url for url in loaded)
    assert all(url.startswith((frontend.url, "data:", "blob:")) for url in loaded)
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_plain_page(browser: Browser, frontend: Space, theme: Any) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 900}, color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{frontend.url}/charts")
    for folded in page.locator("details").all():
        folded.evaluate("each => { each.open = true }")
    found = violations(page)
    assert page.evaluate("[...document.images].every(each => each.complete && each.naturalWidth)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
    assert found == []


def write_hostile(datasets: Datasets) -> None:
    for place in range(3):
        result = {
            "config": {"model_name": "acme/tiny", "model_dtype": f"{HOSTILE}{place}", "model_sha": "c" * 40},
            "results": {
                "tiny_addition": {"acc,none": place / 10},
                "tiny_agreement": {"acc,none": place / 20},
                "tiny_copy": {"exact_match,none": place / 30},
            },
        }
        path = f"acme/tiny/results_2026-01-0{place + 1}T12-00-00.000000.json"
        datasets.write("results", path, json.dumps(result))


def test_a_hostile_name_is_shown_as_it_is(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    with datasets_in_a_folder(tmp_path_factory.mktemp("hostile")) as datasets:
        write_hostile(datasets)
        with datasets.frontend() as frontend:
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(frontend.url)
            expect(page.locator("#leaderboard td[tabindex]").first).to_be_attached()
            page.goto(f"{frontend.url}?tab=charts&chart=time")
            expect(plot(page).locator(".point").first).to_be_attached()
            page.evaluate(LISTEN)
            for kind in ("time", "heatmap"):
                show(page, kind)
                said = press(page, plot(page).locator(POINT[kind]).nth(1))
                assert HOSTILE in said
                assert HOSTILE in page.evaluate("heard.pop()[1]")
                expect(page.locator("#details h1")).to_contain_text(HOSTILE)
                assert not page.locator("#details img").count()
                page.keyboard.press("Escape")
            assert not page.locator("#chart img").count()
            assert page.evaluate("window.isRun") is None
            page.close()

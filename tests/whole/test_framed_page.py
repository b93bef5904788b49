"""The frontend's page in a frame on the Hub's: nothing comes from other hosts, and the address follows."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, Request, Route, expect

from bench.pages import make_leaderboard, served
from local_leaderboard import Space, running
from support.pages import listening, opening

HUB = "https://huggingface.co"
ELSEWHERE = "https://elsewhere.test"
PARENT = """<!doctype html><title>The Hub</title>
<script>
    const told = [];
    addEventListener("message", ({data, origin}) => told.push({data, origin}));
</script>
<iframe src="PAGE" style="width: 100%; height: 900px"></iframe>"""
TABLE = "#leaderboard svelte-virtual-table-viewport table"


@pytest.fixture(scope="module")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """A frontend with some results."""
    folder = tmp_path_factory.mktemp("framed")
    make_leaderboard(folder, models=20, organizations=2, tasks=3)
    with served("many_tasks_app", folder, tasks=3) as frontend:
        yield frontend


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose other host may frame what runs on this machine, which Chromium asks people about."""
    with browser.new_context(viewport={"width": 1400, "height": 1000}) as context:
        for origin in (HUB, ELSEWHERE):
            context.grant_permissions(["local-network-access"], origin=origin)
        with listening(page := context.new_page()):
            yield page


def on_the_hub(page: Page, frontend: Space, query: str = "") -> FrameLocator:
    """Open a page at the Hub's address that frames the frontend's, as the Hub does for a Space."""

    def answer(route: Route) -> None:
        text = PARENT.replace("PAGE", f"{frontend.url}/{query}")
        route.fulfill(content_type="text/html", body=text)

    page.route(f"{HUB}/**", answer)
    with opening(page):
        page.goto(f"{HUB}/spaces/acme/leaderboard{query}")
    return page.frame_locator("iframe")


def told(page: Page) -> list[str]:
    """What the page in the frame has told the Hub about its address."""
    messages = page.evaluate("told.filter(({data}) => data?.queryString !== undefined)")
    return [message["data"]["queryString"] for message in messages]


def test_the_hub_is_told_each_view(page: Page, frontend: Space) -> None:
    frame = on_the_hub(page, frontend)
    expect(frame.locator(TABLE).get_by_text("org-1/").first).to_be_visible()
    assert told(page) == []  # opening a view does not change the Hub's address
    frame.get_by_role("textbox", name="Search").fill("org-0")
    page.wait_for_function("told.some(({data}) => data?.queryString === 'q=org-0')")
    frame.locator(f"{TABLE} thead th").filter(has_text="Task 1").click()
    page.wait_for_function("told.some(({data}) => data?.queryString === 'q=org-0&sort=Task+1')")


def test_the_hub_opens_a_view_again(page: Page, frontend: Space) -> None:
    frame = on_the_hub(page, frontend, "?q=org-0&sort=Task+1")
    expect(frame.get_by_role("textbox", name="Search")).to_have_value("org-0")
    header = frame.locator(f"{TABLE} thead th").filter(has_text="Task 1")
    expect(header).to_have_attribute("aria-sort", "descending")
    expect(frame.locator(TABLE).get_by_text("org-0/").first).to_be_visible()
    expect(frame.locator(TABLE).get_by_text("org-1/")).to_have_count(0)


def test_another_host_that_frames_the_page_is_told_nothing(page: Page, frontend: Space) -> None:
    text = PARENT.replace("PAGE", frontend.url)
    page.route(f"{ELSEWHERE}/**", lambda route: route.fulfill(content_type="text/html", body=text))
    with opening(page):
        page.goto(f"{ELSEWHERE}/")
    frame = page.frame_locator("iframe")
    frame.get_by_role("textbox", name="Search").fill("org-0")
    expect(frame.locator(TABLE).get_by_text("org-0/").first).to_be_visible()
    expect(frame.locator(TABLE).get_by_text("org-1/")).to_have_count(0)
    page.evaluate("() => new Promise(shown => requestAnimationFrame(() => requestAnimationFrame(shown)))")
    assert told(page) == []


def test_the_hub_learns_how_high_the_page_is(page: Page, frontend: Space) -> None:
    """The Hub's side of iframe-resizer begins with such a message, and is answered with a height."""
    frame = on_the_hub(page, frontend)
    expect(frame.locator(TABLE).get_by_text("org-1/").first).to_be_visible()
    page.evaluate("frames[0].postMessage('[iFrameSizer]frame:8:false:false:32:true:false', '*')")
    page.wait_for_function("told.some(({data}) => /^\\[iFrameSizer\\]frame:[0-9]{3,}:/.test(data))")


@pytest.mark.parametrize("space", ["frontend", "backend"])
def test_a_page_asks_no_other_host_for_anything(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, space: str
) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    with running(tmp_path_factory.mktemp("own"), (space,), HF_HUB_OFFLINE="1") as spaces:
        url = spaces[space].url
        page = browser.new_page()
        page.on("request", note)
        page.goto(url)
        expect(page.get_by_text("Version").or_(page.locator(".version")).first).to_be_visible()
        for tab in page.get_by_role("tab").all():
            tab.click()
        hints = page.evaluate(
            "[...document.querySelectorAll('link, script')].map(each => each.href || each.src)"
        )
        page.close()
    hosts = {urlsplit(each).netloc for each in [*asked, *hints] if each.startswith("http")}
    assert hosts == {urlsplit(url).netloc}
    assert f"{url}/iframe-resizer.js" in asked

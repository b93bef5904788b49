"""An exported board in a real browser, opened from its folder: nothing serves it, and nobody is asked."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from local_leaderboard import ROOT
from support.axe import violations

MODELS = 500
KINDS = {
    "table": "index.html",
    "all columns": "everything.html",
    "charts": "charts.html",
    "about": "about.html",
    "queue": "queue.html",
    "task": "task/Task-1.html",
    "model": "model/org-1/model-1-*.html",
}
WIDE, NARROW = {"width": 1400, "height": 900}, {"width": 390, "height": 844}


def export(folder: Path, *options: str) -> str:
    """Make the data of a board and export it with the program; what it says at the end."""
    command = [ROOT / ".venv" / "frontend" / "bin" / "python", "-m", "support.exported"]
    paths = os.pathsep.join(map(str, (ROOT / "frontend", ROOT / "tests")))
    ran = subprocess.run(
        [*command, folder / "data", folder / "out", *options],
        cwd=ROOT / "frontend",
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board of many models."""
    folder = tmp_path_factory.mktemp("export")
    said = export(folder, "--models", str(MODELS))
    assert said.startswith("Wrote 545 new or changed files")
    return folder / "out"


@contextmanager
def looking(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page that asks nobody, and on which nothing goes wrong."""
    context = browser.new_context(viewport=options.pop("viewport", WIDE), **options)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda each: each.url.startswith(("file:", "data:")) or wrong.append(each.url))
    page.on("requestfailed", lambda each: wrong.append(f"not found: {each.url}"))
    yield page
    context.close()
    assert not wrong


def address(folder: Path, name: str) -> str:
    [file] = folder.glob(name)
    return file.as_uri()


def names(page: Page) -> list[str]:
    """The models in the table that can be seen, from the first to the last."""
    return page.locator("#table tbody tr:not([hidden]) th > :first-child").all_inner_texts()


def column(page: Page, header: str) -> list[str]:
    """The texts of a column, of the rows that can be seen."""
    place = page.locator("#table thead th").all_inner_texts().index(header) + 1
    return page.locator(f"#table tbody tr:not([hidden]) > :nth-child({place})").all_inner_texts()


def follow(link: Locator) -> None:
    """Press a link, and wait until the page it leads to is there to its end, with its pictures."""
    there = link.evaluate("each => each.href")
    link.click()
    link.page.wait_for_url(there)


def test_every_column_sorts_the_best_first_and_then_the_other_way_round(
    browser: Browser, exported: Path
) -> None:
    with looking(browser) as page:
        page.goto(address(exported, "index.html"))
        ranks = [int(text) for text in column(page, "Rank")]
        assert (ranks[0], ranks) == (1, sorted(ranks))
        for header in ("Task 1", "#Params (B)"):
            page.get_by_role("button", name=header, exact=True).click()
            expect(page.locator("th[aria-sort=descending]")).to_have_text(header)
            values = [float(text) for text in column(page, header)]
            assert values == sorted(values, reverse=True)
            page.get_by_role("button", name=header, exact=True).press("Enter")
            expect(page.locator("th[aria-sort=ascending]")).to_have_text(header)
            assert [float(text) for text in column(page, header)] == sorted(values)
            expect(page.locator("caption")).to_contain_text(f"sorted by {header}, in reverse order")
        page.get_by_role("button", name="Model", exact=True).click()
        found = names(page)
        assert found == sorted(found, key=str.casefold)
        assert len(found) == MODELS


def test_the_search_keeps_the_rows_with_all_words_of_a_part(browser: Browser, exported: Path) -> None:
    with looking(browser) as page:
        page.goto(address(exported, "index.html"))
        page.get_by_role("searchbox").fill("ORG-1/ chat; model-7-")
        found = names(page)
        assert found
        assert all(("org-1/" in name and "chat" in name) or "model-7-" in name for name in found)
        expect(page.locator("#found")).to_have_text(f"{len(found)} of 500 models.")
        page.get_by_role("button", name="Task 2", exact=True).click()
        assert sorted(names(page)) == sorted(found)
        page.get_by_role("searchbox").fill("nobody")
        expect(page.locator("caption")).to_have_text("No model's name contains this")
        page.get_by_role("searchbox").fill("")
        assert len(names(page)) == MODELS


def test_without_scripts_the_table_is_a_plain_table(browser: Browser, exported: Path) -> None:
    with looking(browser, java_script_enabled=False) as page:
        page.goto(address(exported, "index.html"))
        assert len(names(page)) == MODELS
        expect(page.get_by_role("searchbox")).to_have_count(0)
        expect(page.get_by_role("button")).to_have_count(0)


def test_links_lead_from_page_to_page(browser: Browser, exported: Path) -> None:
    with looking(browser) as page:
        page.goto(address(exported, "index.html"))
        first = names(page)[0]
        follow(page.get_by_role("link", name=f"Details of {first}"))
        expect(page.get_by_role("heading", level=1)).to_have_text(first)
        follow(page.get_by_role("link", name="Task 3"))
        expect(page.get_by_role("heading", level=1)).to_have_text("Task 3")
        follow(page.get_by_role("link", name="Charts"))
        follow(page.get_by_role("link", name="Task 5").first)
        expect(page.get_by_role("heading", level=1)).to_have_text("Charts: Task 5")
        widths = page.locator("img").evaluate_all("found => found.map(each => each.naturalWidth)")
        assert widths == [720, 720, 720]
        follow(page.get_by_role("link", name="The exported board"))
        assert len(names(page)) == MODELS


class Links(HTMLParser):
    """The addresses on a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("href", "src")]


def test_every_link_leads_to_a_file_and_every_file_is_linked_to(exported: Path) -> None:
    seen, waiting = set[Path](), {exported / "index.html"}
    while waiting:
        path = waiting.pop()
        seen.add(path)
        if path.suffix == ".html":
            for link in Links(path).found:
                if not link.startswith(("https:", "data:", "#")):
                    there = path.parent.joinpath(unquote(link)).resolve()
                    assert there.is_file(), f"{path} links to {link}"
                    waiting |= {there} - seen
    assert seen == {path for path in exported.rglob("*") if path.is_file()} - {exported / "export.json"}
    assert len(seen) == 545


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit_into_the_window(
    browser: Browser, exported: Path, scheme: str, viewport: Any
) -> None:
    context = browser.new_context(viewport=viewport, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()  # axe itself asks for styles, which the pages do not allow
    for kind, name in KINDS.items():
        page.goto(address(exported, name))
        assert not violations(page), kind
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), kind
    context.close()


def test_the_size_and_the_time_are_small(exported: Path) -> None:
    sizes = [path.stat().st_size for path in exported.rglob("*") if path.is_file()]
    assert sum(sizes) < 10e6
    assert (exported / "index.html").stat().st_size < 500e3


def test_hostile_names_and_texts_do_no_harm(browser: Browser, tmp_path: Path) -> None:
    export(tmp_path, "--models", "5", "--hostile")
    pages = sorted((tmp_path / "out").rglob("*.html"))
    assert len(pages) > 20
    assert {path.name for path in tmp_path.iterdir()} == {"data", "out"}
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url))
    for path in pages:
        page.goto(path.as_uri())
        assert page.evaluate("window.pwned") is None, path
    assert all(each.startswith(("file:", "data:")) for each in asked)
    context.close()

"""The page with 5,000 models on 30 tasks in a browser, against the bare component with the same data."""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Browser, Error, sync_playwright

from bench.figures import Report, say, seconds
from bench.pages import make_leaderboard, served
from support.counting_proxy import counting_proxy

MODELS, TASKS, ORGANIZATIONS = 5_000, 30, 500
TIMES = 5
MOST = 1.3

CHROMIUM = Path("/usr/bin/chromium")
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]

FIRST_ROW = """() => {
    const rows = document.querySelectorAll('svelte-virtual-table-viewport table tbody tr')
    const isThere = [...rows].some(row => row.offsetHeight && row.innerText.includes('/model-'))
    return isThere && performance.now()
}"""


def main() -> None:
    """Measure both in turns."""
    report = Report(
        f"The page with {MODELS:,} models on {TASKS} tasks",
        [
            "Chromium on the same machine, a new profile each time, both servers running, in turns. The bare "
            "page is a `gr.Blocks` with nothing but a `gradio_leaderboard` made with the same values. "
            f"The time is from the navigation until the first row is visible; medians of {TIMES}.",
        ],
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_leaderboard(folder, models=MODELS, organizations=ORGANIZATIONS, tasks=TASKS)
        with (
            served("many_tasks_app", folder, tasks=TASKS) as ours,
            served("bare_app", folder, tasks=TASKS) as bare,
            sync_playwright() as playwright,
        ):
            path = CHROMIUM if CHROMIUM.exists() else None
            browser = playwright.chromium.launch(executable_path=path, args=QUIET)
            until_filled(browser, ours.url)
            times: dict[str, list[float]] = {ours.url: [], bare.url: []}
            for _ in range(TIMES):
                for url in times:
                    times[url].append(first_row(browser, url))
                    say(f"{url}: {times[url][-1]:.2f} s")
            ours_took, bare_took = (statistics.median(each) for each in times.values())
            report.add("first row, our page", seconds(ours_took))
            report.add("first row, the bare component", seconds(bare_took))
            report.at_most("our page / the bare component", ours_took / bare_took, MOST)
            for what, url in (("our page", ours.url), ("the bare component", bare.url)):
                with counting_proxy(url) as proxy:
                    first_row(browser, proxy.url)
                    report.add(
                        f"bytes sent by {what}, scripts and styles included", f"{_megabytes(proxy.sent)}"
                    )
            browser.close()
    report.hand_over()


def until_filled(browser: Browser, url: str) -> None:
    """Look at the page until the server has read the datasets."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(Error):
            first_row(browser, url)
            return


def first_row(browser: Browser, url: str) -> float:
    """How many seconds a visitor waits for the first row."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.goto(url, wait_until="commit")
    found = page.wait_for_function(FIRST_ROW, timeout=60_000)
    took = float(found.json_value()) / 1000
    context.close()
    return took


def _megabytes(data: bytes) -> str:
    return f"{len(data) / 1e6:.2f} MB"


if __name__ == "__main__":
    main()

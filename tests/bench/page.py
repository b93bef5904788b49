"""The page with 5,000 models on 30 tasks in a browser: its first row, and what a change of the view costs."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, Error, Page, sync_playwright

from bench.figures import Report, number, say, seconds
from bench.pages import make_leaderboard, served
from local_leaderboard import ROOT
from support.counting_proxy import CountingProxy, counting_proxy

MODELS, TASKS, ORGANIZATIONS = 5_000, 30, 500
TIMES, TIMES_ON_A_SLOW_LINE = 5, 3

BEFORE_PAGES_OF_ROWS = "9117eae"
"""The commit whose page sent all rows at once."""

OF_THE_BARE_ONE, OF_THE_OLD_ONE = 1.0, 0.6
"""Goals: shares of the time to the first row of the bare component, and of the old page on a slow line."""

MOST_MILLISECONDS, MOST_BYTES = 150, 60_000
"""Goals for one change of the view."""

ROUNDS, FEW, MANY, MOST_GROWTH = 12, 10, 50, 1.1
"""Rounds through all kinds of changes; the heap after many changes is compared with that after a few,
at the same place of a round.
"""

SLOW_LINE = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 0.75e6 / 8,
}
"""Milliseconds, and bytes per second: 1.6 Mbit/s, as Lighthouse simulates a phone."""

CHROMIUM = Path("/usr/bin/chromium")
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]

FIRST_ROW = """() => {
    const rows = document.querySelectorAll('svelte-virtual-table-viewport table tbody tr')
    const isThere = [...rows].some(row => row.offsetHeight && row.innerText.includes('/model-'))
    return isThere && performance.now()
}"""

CHANGE = """([kind, text]) => new Promise(done => {
    const find = (selector) => document.querySelector(selector)
    const query = () => find('#view [data-query]').dataset.query
    const before = query(), started = performance.now()
    const tell = () => done(performance.now() - started)
    const painted = () => requestAnimationFrame(() => requestAnimationFrame(tell))
    const watch = new MutationObserver(() => {
        if (query() === before) return
        watch.disconnect()
        painted()
    })
    watch.observe(find('#view'), {childList: true, subtree: true, attributes: true})
    if (kind === 'search') {
        const box = find('#search :is(textarea, input)')
        box.value = text
        box.dispatchEvent(new Event('input', {bubbles: true}))
    } else if (kind === 'filter') find('#filter-sizes input').click()
    else if (kind === 'sort') find(`svelte-virtual-table-viewport thead th:nth-child(${text})`).click()
    else if (kind === 'column') find(`input[name="${text}"]`).click()
    else find('#more button').click()
})"""
"""Changes the view, and tells after how many milliseconds the new one is painted."""


def main() -> None:
    """Measure them in turns."""
    report = Report(
        f"The page with {MODELS:,} models on {TASKS} tasks",
        [
            "Chromium on the same machine, a new profile each time, all servers running, in turns. The bare "
            "page is a `gr.Blocks` with nothing but a `gradio_leaderboard` that holds all rows. The time is "
            f"from the navigation until the first row is visible; medians of {TIMES}. On the slow line "
            "(1.6 Mbit/s, 150 ms) our page is compared with that of commit 9117eae, which sent all rows; "
            f"medians of {TIMES_ON_A_SLOW_LINE}.",
            "A change of the view is measured from the key or the click until the new rows are painted, "
            f"its bytes as they pass a proxy; medians of {ROUNDS}. The page does not wait for a pause in "
            "typing. Of these milliseconds the server needs 10 to 30. The rest is the browser's: the "
            "component takes in the cells of 100 rows, and the styles of its 2,000 elements are computed "
            "anew. The heap grows because the component keeps two texts and an object for every cell that it "
            "ever showed.",
        ],
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_leaderboard(folder, models=MODELS, organizations=ORGANIZATIONS, tasks=TASKS)
        with (
            sync_playwright() as playwright,
            served("many_tasks_app", folder, tasks=TASKS) as ours,
        ):
            path = CHROMIUM if CHROMIUM.exists() else None
            browser = playwright.chromium.launch(executable_path=path, args=QUIET)
            until_filled(browser, ours.url)
            with served("bare_app", folder, tasks=TASKS) as bare:
                compare_first_rows(report, browser, ours.url, bare.url)
            measure_changes(report, browser, ours.url)
            with (
                old_tree(folder / "old") as tree,
                served("many_tasks_app", folder, tasks=TASKS, root=tree) as old,
            ):
                until_filled(browser, old.url)
                compare_on_a_slow_line(report, browser, ours.url, old.url)
            browser.close()
    report.hand_over()


def compare_first_rows(report: Report, browser: Browser, ours: str, bare: str) -> None:
    """Compare our page with the bare component."""
    times = in_turns(browser, [ours, bare], TIMES)
    report.add("first row, our page", seconds(times[ours]))
    report.add("first row, the bare component", seconds(times[bare]))
    report.at_most("our page / the bare component", times[ours] / times[bare], OF_THE_BARE_ONE)
    for what, url in (("our page", ours), ("the bare component", bare)):
        with counting_proxy(url) as proxy:
            first_row(browser, proxy.url)
            report.add(f"bytes sent by {what}, scripts and styles included", f"{_size(proxy) / 1e6:.2f} MB")


def compare_on_a_slow_line(report: Report, browser: Browser, ours: str, old: str) -> None:
    """Compare our page with the one that sent all rows, as a phone would see them."""
    times = in_turns(browser, [ours, old], TIMES_ON_A_SLOW_LINE, is_slow=True)
    report.add("first row on a slow line, our page", seconds(times[ours]))
    report.add("first row on a slow line, the page of 9117eae", seconds(times[old]))
    report.at_most("on a slow line: our page / that one", times[ours] / times[old], OF_THE_OLD_ONE)


def measure_changes(report: Report, browser: Browser, url: str) -> None:
    """Change the view in all ways, many times over."""
    changes: dict[str, list[tuple[float, int]]] = {}
    heaps: dict[int, float] = {}
    with counting_proxy(url) as proxy:
        context = browser.new_context(viewport={"width": 1400, "height": 1000})
        page = context.new_page()
        page.goto(proxy.url)
        page.wait_for_function(FIRST_ROW, timeout=60_000)
        page.wait_for_timeout(2000)
        tools = context.new_cdp_session(page)
        for done, (kind, text) in zip(count(1), steps(), strict=False):
            changes.setdefault(kind, []).append(change(page, proxy, kind, text))
            if done in (FEW, MANY):
                heaps[done] = heap(tools)
        context.close()
    for kind, found in changes.items():
        milliseconds = statistics.median(took for took, _ in found)
        report.at_most(f"a change of the view: {kind}", round(milliseconds), MOST_MILLISECONDS, unit=" ms")
        bytes_sent = statistics.median(sent for _, sent in found)
        report.at_most(f"… its bytes ({kind})", round(bytes_sent / 1000), MOST_BYTES / 1000, unit=" kB")
    report.add(f"heap after {FEW} changes", f"{number(heaps[FEW] / 1e6)} MB")
    report.at_most(f"heap after {MANY} changes / after {FEW}", heaps[MANY] / heaps[FEW], MOST_GROWTH)


def steps() -> Iterator[tuple[str, str]]:
    """Yield one change after the other. Each round ends as it began, except for the order."""
    for turn in range(ROUNDS):
        yield "search", f"model-{turn % 9 + 1}"
        yield "column", "Hub License"
        yield "next rows", ""
        yield "sort", str(5 + turn)
        yield "filter", ""
        yield "search", ""
        yield "column", "Hub License"
        yield "filter", ""


def change(page: Page, proxy: CountingProxy, kind: str, text: str) -> tuple[float, int]:
    """Make one change; return its milliseconds and its bytes."""
    before = _size(proxy)
    took = float(page.evaluate(CHANGE, [kind, text]))
    page.wait_for_timeout(300)
    return took, _size(proxy) - before


def heap(tools: CDPSession) -> float:
    """Return the bytes of JavaScript that are in use."""
    tools.send("HeapProfiler.collectGarbage")
    return float(tools.send("Runtime.getHeapUsage")["usedSize"])


@contextmanager
def old_tree(folder: Path) -> Iterator[Path]:
    """Check out the commit with the old page beside this one."""
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), BEFORE_PAGES_OF_ROWS], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def until_filled(browser: Browser, url: str) -> None:
    """Look at the page until the server has read the datasets."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with suppress(Error):
            first_row(browser, url)
            return


def in_turns(browser: Browser, urls: list[str], times: int, *, is_slow: bool = False) -> dict[str, float]:
    """Return the median time to the first row of each page."""
    found: dict[str, list[float]] = {url: [] for url in urls}
    for _ in range(times):
        for url in urls:
            found[url].append(first_row(browser, url, is_slow=is_slow))
            say(f"{url}: {found[url][-1]:.2f} s")
    return {url: statistics.median(each) for url, each in found.items()}


def first_row(browser: Browser, url: str, *, is_slow: bool = False) -> float:
    """Return how many seconds a visitor waits for the first row."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    if is_slow:
        tools = context.new_cdp_session(page)
        tools.send("Network.enable")
        tools.send("Network.emulateNetworkConditions", SLOW_LINE)
    page.goto(url, wait_until="commit", timeout=120_000)
    found = page.wait_for_function(FIRST_ROW, timeout=120_000)
    took = float(found.json_value()) / 1000
    context.close()
    return took


def _size(proxy: CountingProxy) -> int:
    return len(proxy.sent)


if __name__ == "__main__":
    main()

"""Visitors who open the page of 5,000 models on 30 tasks, or its plain table, at the same moment."""

from __future__ import annotations

import json
import secrets
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_hex
from threading import Barrier
from typing import Any

from bench.figures import Report, mebibytes, number, percentile, seconds, timed
from bench.pages import make_leaderboard, served

MODELS, TASKS, ORGANIZATIONS = 5_000, 30, 500
VIEWS = 5
VISITORS, READERS, ROUNDS = 100, 500, 3
"""How many open the page, and how many the plain table."""

ROWS = 100
"""How many rows the page opens with."""


class Page:
    """The page as a browser uses it: its events, with the values that its controls begin with."""

    def __init__(self, url: str) -> None:
        self._url = url
        config = self._get("/config")
        self._values = {part["id"]: part["props"].get("value") for part in config["components"]}
        self._opened = next(each for each in config["dependencies"] if _is_started_by(each, "load"))
        self._seen = next(each for each in config["dependencies"] if _is_started_by(each, "change"))

    def open(self) -> int:
        """Open it as a new visitor until the table is there. Returns its rows."""
        session = token_hex(8)
        urllib.request.urlopen(self._url).read()
        self._post("/gradio_api/queue/join", self._call(self._opened, session))
        with urllib.request.urlopen(f"{self._url}/gradio_api/queue/data?session_hash={session}") as answers:
            for line in answers:
                if b'"process_completed"' in line:
                    return line.count(b"</a>")  # there is one link in each row; parsing would cost us more
        raise AssertionError("the page was not opened")

    def total(self) -> int:
        """Return how many models the server has read."""
        total: int = self._get("/leaderboard?rows=100")["total"]
        return total

    def read_plainly(self, turn: int) -> None:
        """Read one of some views of the plain page, others in each turn."""
        view = f"/table?sort=Task+{turn}&q=model-{secrets.randbelow(VIEWS) + 1}"
        with urllib.request.urlopen(f"{self._url}{view}") as answer:
            assert b"</table>" in answer.read()

    def follow(self) -> None:
        """What comes after the table: the other tabs."""
        self._post("/gradio_api/run/predict", self._call(self._seen, token_hex(8)))

    def _call(self, event: Any, session: str) -> dict[str, Any]:
        data = [self._values.get(place) for place in event["inputs"]]
        return {"data": data, "fn_index": event["id"], "session_hash": session}

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self._url}{path}") as answer:
            return json.load(answer)

    def _post(self, path: str, body: dict[str, Any]) -> bytes:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._url}{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            found: bytes = answer.read()
        return found


def main() -> None:
    """Open the page alone, then with many at once, some times over."""
    report = Report(
        f"{VISITORS} visitors at once",
        [
            f"The page with {MODELS:,} models on {TASKS} tasks, opened by {VISITORS} visitors at the same "
            "moment: the page itself, and the event that fills it, until its answer is there and read. Then "
            f"{READERS} visitors of the plain page `/table`, each of the {VIEWS} views that they ask for new "
            "to the server. The visitors run on the same machine, so their own work is in the figures.",
        ],
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_leaderboard(folder, models=MODELS, organizations=ORGANIZATIONS, tasks=TASKS)
        with served("many_tasks_app", folder, tasks=TASKS) as space:
            page = Page(space.url)
            while page.open() < ROWS or page.total() < MODELS:
                time.sleep(1)
            report.add("one visitor alone, median of 10", seconds(statistics.median(map(_open, [page] * 10))))
            before = mebibytes(space.process.pid)
            for turn in range(ROUNDS):
                times = at_once(page.open, VISITORS)
                what = f"{VISITORS} visitors, round {turn + 1}: time to the first row"
                found = f"median {seconds(statistics.median(times))}, 95 % {seconds(percentile(times, 95))}"
                report.add(what, found)
            after = mebibytes(space.process.pid)
            report.add("memory of the process before", f"{number(round(before))} MiB")
            report.add(f"memory after {VISITORS * ROUNDS} more visitors", f"{number(round(after))} MiB")
            for turn in range(ROUNDS):
                times = at_once(lambda turn=turn: page.read_plainly(turn), READERS)  # type: ignore[misc]
                what = f"{READERS} visitors of the plain page, round {turn + 1}"
                found = f"median {seconds(statistics.median(times))}, 95 % {seconds(percentile(times, 95))}"
                report.add(what, found)
            report.add(
                "the other tabs, for each visitor", seconds(statistics.median(map(_follow, [page] * 10)))
            )
    report.hand_over()


def at_once(visit: Callable[[], object], number: int) -> list[float]:
    """Return for how long each of many visitors waits who come together."""
    start = Barrier(number)

    def come(_: int) -> float:
        start.wait()
        return timed(visit)

    with ThreadPoolExecutor(number) as visitors:
        return [*visitors.map(come, range(number))]


def _open(page: Page) -> float:
    started = time.perf_counter()
    assert page.open() >= ROWS
    return time.perf_counter() - started


def _follow(page: Page) -> float:
    started = time.perf_counter()
    page.follow()
    return time.perf_counter() - started


def _is_started_by(event: Any, name: str) -> bool:
    """Whether the server does something when this happens."""
    return bool(event["backend_fn"]) and any(trigger == name for _, trigger in event["targets"])


if __name__ == "__main__":
    main()

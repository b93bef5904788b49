"""From rows in memory to what the browser is sent: 5,000 models on 30 tasks."""

from __future__ import annotations

import gzip
from dataclasses import replace

import orjson
from starlette.requests import Request

from bench.corpora import Corpus
from bench.figures import Report, median_time, timed
from src.board.board import Board
from src.columns import columns
from src.leaderboard.merging import standings
from src.leaderboard.sorting import Sort
from src.leaderboard.view import OPENING, ViewState, view
from src.page.plain.asked import Asked
from src.page.plain.document import document
from src.page.plain.kept import respond
from src.page.plain.site import Site
from src.page.table import contents

MODELS, TASKS, ORGANIZATIONS = 5_000, 30, 500
MOST_MILLISECONDS = 50
MOST_OF_ALL_ROWS = 150
PLAIN_MILLISECONDS, PLAIN_BYTES = 100, 60_000
KNOWN_MILLISECONDS = 5


def main() -> None:
    """Measure each step."""
    corpus = Corpus(MODELS, ORGANIZATIONS, TASKS)
    requests, results = corpus.read()
    report = Report(
        f"The table of {MODELS:,} models on {TASKS} tasks",
        [
            "From rows in memory to what the component is sent, in one thread; medians of ten after the "
            "first time. What a visitor's arrival costs is under “100 visitors”."
        ],
    )

    def made(state: ViewState) -> object:
        return contents(view(board, state), ())

    board = standings(corpus.columns, requests, results)
    everything = frozenset(column.name for column in columns(board.tasks))
    report.add("the very first time", f"{timed(lambda: made(ViewState())) * 1000:.0f} ms")
    states = {
        "the view that opens, 100 rows": OPENING,
        "the view with all columns": replace(OPENING, columns=everything),
        "the view under a search (`instruct`)": replace(OPENING, search="instruct"),
        "the view sorted by a task": replace(OPENING, sort=Sort("Task 3")),
        "the view of open licences": replace(
            OPENING, filters={**OPENING.filters, "license": frozenset({"open"})}
        ),
    }
    for what, state in states.items():
        milliseconds = median_time(lambda state=state: made(state)) * 1000  # type: ignore[misc]
        report.at_most(what, round(milliseconds), MOST_MILLISECONDS, unit=" ms")
    milliseconds = median_time(lambda: made(ViewState())) * 1000
    report.at_most("all rows", round(milliseconds), MOST_OF_ALL_ROWS, unit=" ms")
    for what, state in {"100 rows": OPENING, "all rows": ViewState()}.items():
        sent = orjson.dumps(made(state))
        report.add(
            f"{what} as JSON", f"{len(sent) / 1e3:,.0f} kB, {len(gzip.compress(sent, 4)) / 1e3:,.0f} zipped"
        )
    measure_plain_page(report, Board(board))
    again = median_time(lambda: standings(corpus.columns, requests, results), times=3)
    report.add("once for all visitors, when a dataset changed: rows from results", f"{again * 1000:.0f} ms")
    report.hand_over()


def measure_plain_page(report: Report, board: Board) -> None:
    """Make the plain page of 100 rows, and tell somebody who has it that nothing changed."""
    site, asked = Site("Leaderboard", "How well do language models do?"), Asked(OPENING)
    milliseconds = median_time(lambda: document(board, asked, site)) * 1000
    report.at_most("the plain page of 100 rows", round(milliseconds), PLAIN_MILLISECONDS, unit=" ms")
    answer = document(board, asked, site)
    report.add("its size", f"{len(answer.body) / 1000:.0f} kB")
    report.at_most("its size on the wire", round(len(answer.zipped) / 1000), PLAIN_BYTES / 1000, unit=" kB")
    known = [(b"if-none-match", answer.tag.encode())]
    request = Request({"type": "http", "method": "GET", "path": "/table", "headers": known})
    assert respond(answer, request).status_code == 304
    report.at_most(
        "telling somebody who has it that nothing changed",
        median_time(lambda: respond(answer, request)) * 1000,
        KNOWN_MILLISECONDS,
        unit=" ms",
    )


if __name__ == "__main__":
    main()

"""From rows in memory to what the browser is sent: 5,000 models on 30 tasks."""

from __future__ import annotations

import orjson

from bench.corpora import Corpus
from bench.figures import Report, median_time, number, timed
from src.columns import columns
from src.leaderboard.rows import standings
from src.leaderboard.view import ViewState, view
from src.page.table import contents
from src.shared.data.reports import read_result
from src.shared.data.request import read_request

MODELS, TASKS, ORGANIZATIONS = 5_000, 30, 500
MOST_MILLISECONDS = 150


def main() -> None:
    """Measure each step."""
    corpus = Corpus(MODELS, ORGANIZATIONS, TASKS)
    files = [*corpus.evaluated()]
    requests = {path: read_request(data) for each in files for path, data in each.request.items()}
    results = [read_result(path, data) for each in files for path, data in each.result.items()]
    report = Report(
        f"The table of {MODELS:,} models on {TASKS} tasks",
        [
            "From rows in memory to what the component is sent, in one thread; medians of ten after the "
            "first time. What a visitor's arrival costs is under “50 visitors”."
        ],
    )

    def made(state: ViewState) -> object:
        return contents(view(board, state), ())

    board = standings(corpus.columns, requests, results)
    everything = frozenset(column.name for column in columns(board.tasks))
    report.add("the very first time", f"{timed(lambda: made(ViewState())) * 1000:.0f} ms")
    states = {
        "the table as it opens": ViewState(),
        "the table with all columns": ViewState(columns=everything),
        "the table under a search (`instruct`)": ViewState(search="instruct"),
    }
    for what, state in states.items():
        milliseconds = median_time(lambda state=state: made(state)) * 1000  # type: ignore[misc]
        report.at_most(what, round(milliseconds), MOST_MILLISECONDS, unit=" ms")
    sent = orjson.dumps(made(ViewState()))
    report.add("its size as JSON", f"{len(sent) / 1e6:.2f} MB, {number(len(sent) / MODELS)} bytes a row")
    again = median_time(lambda: standings(corpus.columns, requests, results), times=3)
    report.add("once for all visitors, when a dataset changed: rows from results", f"{again * 1000:.0f} ms")
    report.hand_over()


if __name__ == "__main__":
    main()

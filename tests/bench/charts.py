"""The charts of 5,000 models on 30 tasks: from rows in memory to what the browser is sent."""

from __future__ import annotations

import gzip
from dataclasses import replace

from bench.corpora import Corpus
from bench.figures import Report, median_time, timed
from bench.table import MODELS, ORGANIZATIONS, TASKS
from src.leaderboard.merging import standings
from src.leaderboard.rows import Standings
from src.leaderboard.scores import main_column
from src.page.charts.choice import LABELS, Choice, Kind
from src.page.charts.draw import draw
from src.page.plain.charts import PICTURES, chart_picture, charts_page
from src.page.plain.site import Site
from src.shared.data.reports import read_result
from src.shared.data.request import read_request

MOST_MILLISECONDS, MOST_BYTES = 300, 300_000


def main() -> None:
    """Make each chart as for the first visitor of a new board."""
    corpus = Corpus(MODELS, ORGANIZATIONS, TASKS)
    files = [*corpus.evaluated()]
    requests = {path: read_request(data) for each in files for path, data in each.request.items()}
    results = [read_result(path, data) for each in files for path, data in each.result.items()]
    board = standings(corpus.columns, requests, results)
    report = Report(
        f"The charts of {MODELS:,} models on {TASKS} tasks",
        [
            "Each chart as for the first visitor of a new board, in one thread: medians of ten. All others "
            "get what was made for the first. `/charts` has all five."
        ],
    )
    report.add(
        "the very first chart, for which plotly is imported", f"{timed(lambda: _made(board)) * 1000:.0f} ms"
    )
    for kind in Kind:
        milliseconds = median_time(lambda kind=kind: _made(board, kind)) * 1000  # type: ignore[misc]
        report.at_most(f"“{LABELS[kind]}”", round(milliseconds), MOST_MILLISECONDS, unit=" ms")
        sent = _made(board, kind).encode()
        report.at_most("its JSON", round(len(sent) / 1000), MOST_BYTES / 1000, unit=" kB")
        report.add("its JSON, zipped", f"{len(gzip.compress(sent, 4)) / 1000:.0f} kB")
    _measure_plain_pages(report, board)
    report.hand_over()


def _made(board: Standings, kind: Kind = Kind.SIZE) -> str:
    """Make a chart anew: with nothing kept that was derived from the rows."""
    new = replace(board)
    return draw(new, Choice(kind, main_column(new))).figure


def _measure_plain_pages(report: Report, board: Standings) -> None:
    column = main_column(board)
    for kind in PICTURES:
        milliseconds = median_time(lambda kind=kind: chart_picture(kind, replace(board), column)) * 1000  # type: ignore[misc]
        report.at_most(f"`/chart/{kind}.svg`", round(milliseconds), MOST_MILLISECONDS, unit=" ms")
    site = Site("Leaderboard", "How well do language models do?")
    milliseconds = median_time(lambda: charts_page(replace(board), column, site)) * 1000
    report.at_most("`/charts`", round(milliseconds), MOST_MILLISECONDS, unit=" ms")


if __name__ == "__main__":
    main()

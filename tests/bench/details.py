"""The pages about a model, several models and a task: on a leaderboard of 5,000 models on 30 tasks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from statistics import median

from bench.corpora import Corpus
from bench.figures import Report, timed
from src.board.board import Board
from src.leaderboard.merging import standings
from src.leaderboard.references import reference
from src.shared.data.reports import read_result
from src.shared.data.request import read_request
from support.details import keeper_of
from support.plain_pages import plain_client

MODELS, TASKS, ORGANIZATIONS = 5_000, 30, 500
TIMES = 10
MOST_MILLISECONDS = 50
WEIGHTED = "weight=Task+1:2"


def main() -> None:
    """Ask for each page, every time for another one, so that none was made before."""
    report = Report(
        f"The details of {MODELS:,} models on {TASKS} tasks",
        [
            "From the call to the answer, in one process and without a network. Medians of ten pages, none "
            "of which was made before."
        ],
    )
    corpus = Corpus(MODELS, ORGANIZATIONS, TASKS)
    files = [*corpus.evaluated()]
    requests = {path: read_request(data) for each in files for path, data in each.request.items()}
    results = [read_result(path, data) for each in files for path, data in each.result.items()]
    board = Board(standings(corpus.columns, requests, results))
    names = [reference(board.standings, row) for row in board.standings.rows]
    number = count()

    def a_model() -> str:
        return f"/model/{names[next(number)]}?"

    def five_models() -> str:
        return "/compare?" + "".join(f"model={names[next(number)]}&" for _ in range(5))

    def a_task() -> str:
        return f"/task?name=Task+{next(number) % TASKS}&"

    def ask(address: str) -> None:
        assert client.get(address).status_code == 200

    with plain_client(keeper_of(board)) as client:
        for scoring, whose in {"": "", WEIGHTED: ", with weights of one's own"}.items():
            first = timed(lambda: ask(a_model() + scoring)) * 1000  # noqa: B023
            report.add(f"the first page of a board{whose}", f"{first:.0f} ms")
            pages: dict[str, Callable[[], str]] = {
                "a model": a_model,
                "five models side by side": five_models,
                "a task": a_task,
            }
            for what, address in pages.items():
                took = [timed(lambda: ask(address() + scoring)) for _ in range(TIMES)]  # noqa: B023
                milliseconds = round(median(took) * 1000)
                report.at_most(f"{what}{whose}", milliseconds, MOST_MILLISECONDS, unit=" ms")
    report.hand_over()


if __name__ == "__main__":
    main()

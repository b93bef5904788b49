"""Ranks as ranges, normalised scores and a visitor's own weights: 5,000 models on 30 tasks."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

from bench.corpora import Corpus
from bench.figures import Report, median_time, seconds
from bench.table import MODELS, MOST_MILLISECONDS, ORGANIZATIONS, TASKS
from src.leaderboard.merging import standings
from src.leaderboard.ranking import ranges
from src.leaderboard.rescoring import MOST_KEPT, Scoring, rescored
from src.leaderboard.rows import Standings
from src.leaderboard.view import OPENING, view
from src.page.table import contents

MOST_OF_ALL_RANGES = 100

SCORINGS = {
    "own weights": Scoring(frozenset({("Task 1", 2.0), ("Task 2", 0.0)})),
    "normalised": Scoring(is_normalised=True),
}


def main() -> None:
    """Measure each step."""
    corpus = Corpus(MODELS, ORGANIZATIONS, TASKS)
    tasks = [replace(task, random_baseline=0.25) for task in corpus.columns]
    board = standings(tasks, *corpus.read())
    report = Report(
        f"Ranges of ranks and other scorings of {MODELS:,} models on {TASKS} tasks",
        [
            "In one thread; medians of ten. Ranges are made once for all visitors. A board that a visitor "
            f"weighs is made at the first call; the last {MOST_KEPT} are kept."
        ],
    )
    report.at_most(
        "the ranges of all ranks",
        round(median_time(lambda: ranges(replace(board))) * 1000),
        MOST_OF_ALL_RANGES,
        unit=" ms",
    )
    for what, scoring in SCORINGS.items():
        report.add(f"the board rescored: {what}", seconds(median_time(lambda s=scoring: _made(board, s))))  # type: ignore[misc]
        state = replace(OPENING, scoring=scoring, has_ranges=True)
        milliseconds = median_time(lambda state=state: contents(view(board, state), ())) * 1000  # type: ignore[misc]
        report.at_most(
            f"its view with ranges, once it is made: {what}",
            round(milliseconds),
            MOST_MILLISECONDS,
            unit=" ms",
        )
    ranged = replace(OPENING, has_ranges=True)
    milliseconds = median_time(lambda: contents(view(board, ranged), ())) * 1000
    report.at_most("the view that opens, with ranges", round(milliseconds), MOST_MILLISECONDS, unit=" ms")
    report.add(f"memory of a rescored board, of which {MOST_KEPT} are kept", f"{_mebibytes(board):.1f} MiB")
    report.hand_over()


def _made(board: Standings, scoring: Scoring) -> Standings:
    """The board under a scoring, made anew."""
    return rescored(replace(board), scoring)


def _mebibytes(board: Standings) -> float:
    """What the first view of the largest rescored board keeps."""
    scoring = Scoring(frozenset({("Task 1", 3.0)}), is_normalised=True)
    tracemalloc.start()
    view(board, replace(OPENING, scoring=scoring, has_ranges=True, search="instruct"))
    return tracemalloc.get_traced_memory()[0] / 2**20


if __name__ == "__main__":
    main()

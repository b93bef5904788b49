"""The columns of scores, and the values of each as an array that is read once for all visitors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from src.columns import AVERAGE, Column, columns, score
from src.leaderboard.rows import Standings

Scores = NDArray[np.float64]


def score_columns(standings: Standings) -> Sequence[Column]:
    """Return the columns of scores: the average, the groups and the tasks."""
    return [column for column in columns(standings.tasks) if column.text is score]


def task_columns(standings: Standings) -> Sequence[Column]:
    """Return the columns of single tasks, in the order of the tasks."""
    return standings.derived.once(
        "columns of tasks", lambda: [column for column in columns(standings.tasks) if column.task]
    )


def main_column(standings: Standings) -> Column:
    """Return the average; the first task if no task is part of an average."""
    tasks = task_columns(standings)
    return AVERAGE if not tasks or any(task.is_averaged for task in standings.tasks) else tasks[0]


def scores_of(standings: Standings, column: Column) -> Scores:
    """Return a column's scores of all rows, nan where there is none."""

    def read() -> Scores:
        tasks = [each.task for each in standings.tasks]
        if column.task in tasks:
            return _of_tasks(standings)[:, tasks.index(column.task)]
        values = map(column.value_of, standings.rows)
        return np.array([value if isinstance(value, float) else np.nan for value in values], dtype=float)

    return standings.derived.once(("scores", column.header), read)


def _of_tasks(standings: Standings) -> Scores:
    """Return the scores of all tasks, a row of the leaderboard in each line; nan where there is none."""

    def read() -> Scores:
        scores = np.array([row.scores for row in standings.rows], dtype=float)  # None becomes nan
        return scores.reshape(len(standings.rows), len(standings.tasks))

    return standings.derived.once("scores of tasks", read)

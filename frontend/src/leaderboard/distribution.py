"""How the scores of one task are spread, and which models are best in each range of sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from src.leaderboard.details import Scale, scale, task_scores
from src.leaderboard.filters import SIZE_RANGES
from src.leaderboard.rows import Row, Standings

BINS = 20
"""How many parts the scale of the scores is divided into."""

QUARTERS = (0.25, 0.5, 0.75)

BEST = 10
"""How many of the best rows are named."""


class Quartiles(NamedTuple):
    """The scores that a quarter, a half and three quarters of the rows do not exceed."""

    first: float
    median: float
    third: float


class Distribution(NamedTuple):
    """The scores of a task over all rows that have one."""

    scale: Scale
    counts: Sequence[int]
    """How many scores lie in each of the equal parts of the scale."""
    quartiles: Quartiles | None
    """None without scores."""
    best: Sequence[Row]
    """The best rows, the best first."""
    best_by_size: Sequence[tuple[str, Row]]
    """The best row of each range of sizes that has one, with the range's name."""

    @property
    def total(self) -> int:
        """How many rows have a score."""
        return sum(self.counts)


def distribution(standings: Standings, number: int) -> Distribution:
    """Return how the scores of a task are spread."""
    column, reach, scores = standings.tasks[number], scale(standings, number), task_scores(standings, number)
    known = np.flatnonzero(~np.isnan(scores))
    scores = scores[known]
    counts, _ = np.histogram([reach.at(score) for score in scores.tolist()], bins=BINS, range=(0.0, 1.0))
    quartiles = np.quantile(scores, QUARTERS, method="inverted_cdf") if scores.size else None
    order = np.argsort(-scores if column.higher_is_better else scores, kind="stable")
    rows = [standings.rows[place] for place in known[order].tolist()]
    by_size = ((kind.label, next(filter(kind.has, rows), None)) for kind in SIZE_RANGES.kinds.values())
    return Distribution(
        reach,
        counts.tolist(),
        None if quartiles is None else Quartiles(*quartiles.tolist()),
        rows[:BEST],
        [(name, row) for name, row in by_size if row],
    )

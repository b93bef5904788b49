"""How sure scores are: intervals of 95 %, significant differences, and ranks as ranges.

Errors are taken as independent. Models that answer the same questions tend to miss the same ones, so the real
error of a difference is smaller, and the rule is cautious.

Source: Miller, “Adding Error Bars to Evals”, 2024, arXiv:2411.00640. docs/uncertainty.md explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from typing import NamedTuple

import numpy as np

Z = 1.96
"""How many standard errors an interval of 95 % reaches to both sides of a score."""


class Interval(NamedTuple):
    """An interval of 95 %, on the scale of the score."""

    low: float
    high: float


class RankRange(NamedTuple):
    """The ranks that a model may have."""

    best: int
    """One more than the number of models that are significantly better."""
    worst: int
    """The number of models that are not significantly worse, with the model itself."""

    def after(self, rank: object) -> str:
        """Return how a rank reads with its range: `2 (1–4)`, or `2` if it is the only one."""
        return f"{rank}" if self.best == self.worst else f"{rank} ({self.best}–{self.worst})"


def interval(score: float, error: float) -> Interval:
    """Return the interval of a score with this standard error."""
    return Interval(score - Z * error, score + Z * error)


def differ(score: float, error: float, other: float, others_error: float) -> bool:
    """Return whether two scores with these standard errors differ significantly.

    They do if |difference| > 1.96 × √(error₁² + error₂²).
    """
    return abs(score - other) > Z * hypot(error, others_error)


def rank_ranges(scores: Sequence[float], errors: Sequence[float | None]) -> list[RankRange | None]:
    """Return the range of ranks of each score, where higher is better.

    A score without an error has no range. For the ranges of others it counts as exact.
    """
    known = np.array([0.0 if error is None else error for error in errors])
    scale = max(*map(abs, scores), known.max(initial=0.0), 0.0) or 1.0  # so that no square is too large
    order = np.argsort(scores)
    values, squares = np.array(scores)[order] / scale, (Z * (known[order] / scale)) ** 2
    # Whatever is further away than the largest error reaches differs, and needs no comparison.
    reach = np.sqrt(squares + squares.max(initial=0.0)) * (1 + 1e-9)
    lows = np.searchsorted(values, values - reach).tolist()
    highs = np.searchsorted(values, values + reach, side="right").tolist()
    ranges: list[RankRange | None] = [None] * len(scores)
    for place, (row, low, high) in enumerate(zip(order.tolist(), lows, highs, strict=True)):
        if errors[row] is not None:
            difference = values[low:high] - values[place]
            difference *= difference
            differs = difference > squares[low:high] + squares[place]
            worse, better = (
                int(np.count_nonzero(part)) for part in (differs[: place - low], differs[place - low :])
            )
            ranges[row] = RankRange(1 + better + len(scores) - high, len(scores) - worse - low)
    return ranges

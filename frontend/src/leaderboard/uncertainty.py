"""How sure scores are: intervals of 95 %, significant differences, and ranks as ranges.

Standard errors are taken as independent. Models that answer the same questions have errors that go together,
so a difference of theirs is surer than this says: what is called significant here is so all the more.

Source: Miller, “Adding Error Bars to Evals”, 2024, arXiv:2411.00640, sections 2 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Z = 1.96
"""How many standard errors an interval of 95 % reaches to both sides of a score."""

BLOCK = 128
"""How many models are compared with the others at once: their differences fit into the processor's cache."""

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]


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


def interval(score: float, error: float) -> Interval:
    """Return the interval of a score with this standard error."""
    return Interval(score - Z * error, score + Z * error)


def differ(score: float, error: float, other: float, others_error: float) -> bool:
    """Return whether two scores with these standard errors differ significantly.

    They do if |difference| > 1.96 × √(error₁² + error₂²).
    """
    return abs(score - other) > Z * hypot(error, others_error)


def error_of_mean(errors: Sequence[float | None], weights: Sequence[float]) -> float | None:
    """Return the standard error of a weighted mean of independent scores: √Σ(weight × error)² / Σ weights.

    None if one of the errors is unknown.
    """
    if not errors or None in errors:
        return None
    largest = max(weights)
    total = sum(weight / largest for weight in weights)
    parts = (
        error * (weight / largest / total) for error, weight in zip(errors, weights, strict=True) if error
    )
    error = hypot(*parts)
    return error if isfinite(error) else None


def rank_ranges(scores: Sequence[float], errors: Sequence[float | None]) -> list[RankRange | None]:
    """Return the range of ranks of each score, where higher is better.

    A score without an error has no range. For the ranges of others it counts as exact.
    """
    values = np.array(scores, dtype=np.float64)
    known = np.array([np.nan if error is None else error for error in errors], dtype=np.float64)
    order = np.argsort(values, kind="stable")
    scale = max(np.abs(values).max(initial=0.0), np.nanmax(known, initial=0.0)) or 1.0
    ordered, margins = (
        values[order] / scale,
        Z * np.nan_to_num(known[order]) / scale,
    )  # no square is too large
    better, worse = np.empty((2, len(values)), dtype=np.int64)
    for start in range(0, len(values), BLOCK):
        block = slice(start, start + BLOCK)
        better[order[block]], worse[order[block]] = _compared(ordered, margins, block)
    return [
        None if np.isnan(error) else RankRange(1 + int(above), len(values) - int(below))
        for error, above, below in zip(known, better, worse, strict=True)
    ]


def _compared(ordered: Numbers, margins: Numbers, block: slice) -> tuple[Counts, Counts]:
    """Return how many of all scores are significantly better, and how many worse, than each in the block.

    `margins` are 1.96 standard errors. Scores that are further away than the largest margins reach need no
    comparison.
    """
    own, squares = ordered[block], margins[block] ** 2
    reach = np.sqrt(squares.max() + margins.max() ** 2)
    low = int(np.searchsorted(ordered, own[0] - reach, side="left"))
    high = int(np.searchsorted(ordered, own[-1] + reach, side="right"))
    difference = ordered[low:high] - own[:, None]
    is_better = difference > 0
    difference *= difference
    differs = difference > margins[low:high] ** 2 + squares[:, None]
    better = np.count_nonzero(differs & is_better, axis=1)
    worse = np.count_nonzero(differs, axis=1) - better
    return better + len(ordered) - high, worse + low

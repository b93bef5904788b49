"""The weights of an average: the mean of scores by them, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, hypot, isfinite
from operator import mul
from typing import NamedTuple


class Weights(NamedTuple):
    """Weights, of which only the proportions count."""

    parts: tuple[float, ...]
    """Each weight as a part of the largest one, so that their sum is finite."""
    total: float

    @classmethod
    def of(cls, weights: Sequence[float]) -> Weights:
        """Return weights of any size above 0."""
        largest = max(weights, default=1.0)
        parts = tuple(weight / largest for weight in weights)
        return cls(parts, fsum(parts))

    def mean(self, scores: Sequence[float]) -> float:
        """Return the weighted mean of scores. Finite scores never have an infinite mean."""
        try:
            return fsum(map(mul, scores, self.parts)) / self.total
        except OverflowError:
            return self._mean_of_huge(scores)

    def error(self, errors: Sequence[float | None]) -> float | None:
        """Return the standard error of the mean of independent scores: √Σ(weight × error)² / Σ weight.

        None if one of the errors is unknown.
        """
        if not errors or None in errors:
            return None
        error = hypot(*map(mul, errors, self.parts)) / self.total
        return error if isfinite(error) else None

    def _mean_of_huge(self, scores: Sequence[float]) -> float:
        """Divide scores before they are added: their sum is too large for a float."""
        try:
            return fsum(score / self.total * part for score, part in zip(scores, self.parts, strict=True))
        except OverflowError:  # rounding carries the mean of the largest floats beyond them
            return max(scores, key=abs)

"""How long an evaluation takes: a distribution for a model of any size, learned from those that are finished.

The logarithm of the seconds is a straight line in the logarithm of the weights' size, with a level of its
own for each kind of hardware. Slope and levels have a prior (a ridge): a kind that was seen twice is mostly
taken for an average one. Large residuals count less, as under a t distribution (Lange, Little and Taylor
1989, https://doi.org/10.1080/01621459.1989.10478852). What single models deviate is taken from the residuals,
with a few made-up ones that keep ranges wide while there are few evaluations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from math import log, sqrt
from typing import Any, NamedTuple

import numpy as np

from ..data.ends import End
from ..data.precision import weights_in_gb
from ..data.request import Attempt, Request, Status

LATEST = 500
"""How many finished evaluations count, the newest: an owner may change the tasks or the machine."""

SLOPE, SLOPE_DEVIATION = 0.8, 0.3
"""What is expected of the slope before any evaluation: nearly twice the time for twice the size."""

HARDWARE_DEVIATION = 0.7
"""How much the levels of kinds of hardware are expected to differ: most by less than a factor of four."""

SCALE, SCALE_COUNTS = 0.5, 4.0
"""The deviation of single models that is expected, and as how many evaluations that counts."""

FREEDOM = 4.0
"""The degrees of freedom of the t distribution by which large residuals are weighed down."""

OF_T = (-2.78, -1.53, -1.06, -0.74, -0.48, -0.23, 0.0, 0.23, 0.48, 0.74, 1.06, 1.53, 2.78)
"""The made-up residuals: quantiles of that distribution in even steps."""

SHORTEST, LONGEST = 1.0, 366 * 86_400.0
"""The seconds that an evaluation is believed to take at least and at most."""

SMALLEST_GB, LARGEST_GB = 1e-3, 1e5
STEPS = 8
SHARES = tuple((number + 0.5) / 50 for number in range(50))

Array = Any
"""A numpy array of numbers."""


class Timed(NamedTuple):
    """One finished evaluation."""

    gb: float | None
    """The size of the weights in the requested precision; None if it is unknown."""
    seconds: float
    hardware: str | None
    """The kind of machine by name; None if nobody noted it."""


def timed(requests: Iterable[Request]) -> list[Timed]:
    """Return how long the latest finished evaluations took, the newest last.

    Only evaluations on all tasks count that finished at the first attempt: a later one may go on with what an
    earlier one has kept.
    """
    found = [each for request in requests for each in _timed(request)]
    found.sort(key=lambda pair: pair[0])
    return [each for _, each in found[-LATEST:]]


def _timed(request: Request) -> Iterable[tuple[datetime, Timed]]:
    if request.status is not Status.FINISHED or request.tasks is not None:
        return
    attempts = [each for each in request.history_of_the_run if not each.is_by_a_person]
    ended = attempts[0].ended if len(attempts) == 1 else None
    if ended and (seconds := _seconds(attempts[0])):
        gb = weights_in_gb(request.params, request.precision)
        yield ended, Timed(gb, seconds, attempts[0].hardware)


def _seconds(attempt: Attempt) -> float | None:
    """Return how long a finished attempt took; None if it says nothing that can be believed."""
    if attempt.end != End.FINISHED or attempt.started is None or attempt.ended is None:
        return None
    seconds = (attempt.ended - attempt.started).total_seconds()
    return seconds if SHORTEST <= seconds <= LONGEST else None


@dataclass(frozen=True, eq=False)
class Duration:
    """How long one evaluation may take, in seconds: equally probable values, sorted."""

    seconds: Array

    @cached_property
    def median(self) -> float:
        """The seconds within which half of such evaluations end."""
        return float(self.seconds[len(self.seconds) // 2])

    def left(self, elapsed: float) -> Array:
        """Return the seconds that may be left of one that has run so long, sorted."""
        return left(self.seconds, elapsed)


def left(seconds: Array, elapsed: float) -> Array:
    """Return what may be left after this many seconds, given what an evaluation may take, sorted.

    An evaluation that has outlasted what was expected is believed to take 0.1 to 2 times as long again.
    """
    longer = seconds[seconds > elapsed]
    if len(longer) < 2:
        return elapsed * np.linspace(0.1, 2.0, len(SHARES))
    return longer - elapsed


@dataclass(frozen=True, eq=False)
class Durations:
    """What the finished evaluations say about others."""

    number: int
    """How many there were."""
    centre: float
    """The mean logarithm of their sizes."""
    spread: float
    """The variance of these."""
    kinds: tuple[str | None, ...]
    """The hardware that they ran on."""
    coefficients: Array
    """Level, slope, and what each kind of hardware adds to the level."""
    covariance: Array
    scale: float
    shape: Array
    """The residuals in units of the scale, sorted."""
    _known: dict[tuple[float | None, str | None], Duration] = field(default_factory=dict, repr=False)

    def of(self, gb: float | None, hardware: str | None) -> Duration:
        """Return how long weights of this size take on a kind of hardware. Either may be unknown."""
        key = (gb, hardware)
        if key not in self._known:
            row, extra = self._rows([gb], [hardware])
            unsure = float(np.sqrt(np.einsum("ij,jk,ik->i", row, self.covariance, row) + extra)[0])
            scale = sqrt(self.scale**2 + unsure**2)
            logs = (row @ self.coefficients)[0] + scale * self._standard
            self._known[key] = Duration(np.exp(np.clip(logs, log(SHORTEST), log(LONGEST))))
        return self._known[key]

    def draw(
        self, gb: Sequence[float | None], hardware: Sequence[str | None], *, number: int, chance: Any
    ) -> Array:
        """Return made-up seconds for each of several evaluations, one row each, `number` times.

        Within one of the times the unsure line is the same for all, so that errors of a long queue add up.
        """
        rows, extra = self._rows(gb, hardware)
        lines = chance.multivariate_normal(self.coefficients, self.covariance, size=number, method="cholesky")
        own = chance.choice(self.shape, size=(len(rows), number)) * self.scale
        own += np.sqrt(extra)[:, None] * chance.standard_normal((1, number))
        return np.exp(np.clip(rows @ lines.T + own, log(SHORTEST), log(LONGEST)))

    @cached_property
    def _standard(self) -> Array:
        return np.quantile(self.shape, SHARES, method="weibull")

    def _rows(self, gb: Sequence[float | None], hardware: Sequence[str | None]) -> tuple[Array, Array]:
        """Return the line's terms for each, and the variance that comes from what is unknown."""
        rows = np.zeros((len(gb), 2 + len(self.kinds)))
        rows[:, 0] = 1.0
        rows[:, 1] = [0.0 if size is None else _log(size) - self.centre for size in gb]
        places = {kind: 2 + number for number, kind in enumerate(self.kinds)}
        at = np.array([places.get(kind, -1) for kind in hardware], dtype=int)
        known = at >= 0
        rows[np.flatnonzero(known), at[known]] = 1.0
        slope = self.coefficients[1]
        unknown = np.array([size is None for size in gb]) * slope**2 * self.spread
        return rows, unknown + ~known * HARDWARE_DEVIATION**2


def learn(evaluations: Sequence[Timed]) -> Durations | None:
    """Return what evaluations say about others, or None if there are none."""
    if not evaluations:
        return None
    sizes = [_log(each.gb) for each in evaluations if each.gb is not None]
    centre = float(np.mean(sizes)) if sizes else 0.0
    kinds = tuple(sorted({each.hardware for each in evaluations}, key=str))
    terms = np.zeros((len(evaluations), 2 + len(kinds)))
    terms[:, 0] = 1.0
    terms[:, 1] = [0.0 if each.gb is None else _log(each.gb) - centre for each in evaluations]
    terms[range(len(evaluations)), [2 + kinds.index(each.hardware) for each in evaluations]] = 1.0
    logs = np.log([each.seconds for each in evaluations])
    prior = np.array([0.0, SLOPE, *[0.0] * len(kinds)])
    precision = np.diag([1e-6, SLOPE_DEVIATION**-2, *[HARDWARE_DEVIATION**-2] * len(kinds)])
    variance = SCALE**2
    weights = np.ones(len(logs))
    for _ in range(STEPS):
        weighted = terms.T * weights
        covariance = np.linalg.inv(weighted @ terms / variance + precision)
        coefficients = covariance @ (weighted @ logs / variance + precision @ prior)
        residuals = logs - terms @ coefficients
        used = float(np.trace(covariance @ weighted @ terms) / variance)
        squares = float(weights @ residuals**2)
        counted = max(len(logs) - used, 0.0)
        variance = (SCALE_COUNTS * SCALE**2 + squares) / (SCALE_COUNTS + counted)
        weights = (FREEDOM + 1) / (FREEDOM + residuals**2 / variance)
    scale = sqrt(variance)
    fitted = np.einsum("ij,jk,ik->i", terms, covariance, terms) * weights / variance
    own = residuals / scale / np.sqrt(np.clip(1 - fitted, 0.2, 1.0))
    return Durations(
        number=len(logs),
        centre=centre,
        spread=float(np.var(sizes)) if sizes else 0.0,
        kinds=kinds,
        coefficients=coefficients,
        covariance=covariance,
        scale=scale,
        shape=np.sort(np.concatenate([own, OF_T])),
    )


def _log(gb: float) -> float:
    return log(min(max(gb, SMALLEST_GB), LARGEST_GB))

"""Computes standard errors by resampling as lm_eval does, and reports progress, since it can take hours."""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.pool import IMapIterator
from typing import Any

from lm_eval.api import metrics

log = logging.getLogger(__name__)

Statistic = Callable[[Sequence[Any]], float]

DRAWS_AT_ONCE = 1000
"""lm_eval's chunk size. The seed of each chunk is its number."""

SECONDS_BETWEEN = 1.0
"""The time between two checks of how many resamples are done."""

SECONDS_BETWEEN_LINES = 30.0
"""The time between two lines in the log."""

_drawn: Any = None
"""How many resamples all processes have drawn. Each process of the pool gets it when it starts."""


class Counted:
    """A statistic that counts how often it was computed."""

    def __init__(self, statistic: Statistic) -> None:
        self._statistic = statistic

    def __call__(self, answers: Sequence[Any]) -> float:
        """Compute it once more."""
        value = self._statistic(answers)
        with _drawn.get_lock():
            _drawn.value += 1
        return value


@contextmanager
def bootstrapping_reported(on_progress: Callable[[], None]) -> Iterator[None]:
    """Have lm_eval call `on_progress` about once a second while it resamples."""

    def bootstrap_stderr(statistic: Statistic, answers: Sequence[Any], iters: int) -> float:
        return standard_error(statistic, answers, iters, on_progress)

    original = metrics.bootstrap_stderr
    metrics.bootstrap_stderr = bootstrap_stderr
    try:
        yield
    finally:
        metrics.bootstrap_stderr = original


def standard_error(
    statistic: Statistic, answers: Sequence[Any], iters: int, on_progress: Callable[[], None]
) -> float:
    """Return the same number as lm_eval's `bootstrap_stderr`, with the same chunks and seeds."""
    name = getattr(statistic, "__name__", "a metric")
    log.info("resampling %d answers %d times for the standard error of %s", len(answers), iters, name)
    at_once = min(DRAWS_AT_ONCE, iters)
    chunks = iters // at_once
    count = multiprocessing.Value("q", 0)
    with multiprocessing.Pool(multiprocessing.cpu_count(), initializer=_count_in, initargs=(count,)) as pool:
        work = metrics._bootstrap_internal(Counted(statistic), at_once)
        pending = pool.imap(work, ((number, answers) for number in range(chunks)))
        meter = Meter(name, iters, count, on_progress)
        values = [value for _ in range(chunks) for value in _next(pending, meter)]
    error: float = metrics.sample_stddev(values)
    return error


class Meter:
    """Reports resampling, but only if there was progress, so that a process that hangs counts as stuck."""

    def __init__(self, name: str, iters: int, count: Any, on_progress: Callable[[], None]) -> None:
        self._name, self._iters, self._count, self._on_progress = name, iters, count, on_progress
        self._reported = 0
        self._logged_at = time.monotonic()

    def report(self) -> None:
        """Report progress if there is any."""
        drawn = self._count.value
        if drawn == self._reported:
            return
        self._reported = drawn
        self._on_progress()
        if time.monotonic() - self._logged_at >= SECONDS_BETWEEN_LINES:
            self._logged_at = time.monotonic()
            log.info("resampled %d of %d times for the standard error of %s", drawn, self._iters, self._name)


def _next(pending: IMapIterator[list[float]], meter: Meter) -> list[float]:
    """Wait for the next chunk, and report progress meanwhile."""
    while True:
        try:
            values = pending.next(SECONDS_BETWEEN)
        except multiprocessing.TimeoutError:
            meter.report()
        else:
            meter.report()
            return values


def _count_in(count: Any) -> None:
    global _drawn
    _drawn = count

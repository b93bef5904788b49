"""The scales of the board's scores, by task and metric: an imported score on another one would be wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from src.shared.data.metric_name import ROUNDING, could_be_fraction, is_of_fractions
from src.shared.data.result import Result
from src.upkeep.stated import Refused

OTHER_SCALE = "its score {} of {} is {:g}, and {}: correct it, or give --allow-scale if it is right"
ARE_FRACTIONS = "those of the board are fractions of 1"
ARE_LARGE = "those of the board are above 1, as percentages are"
NOT_NEGATIVE = "none of the board's is below 0"
NO_FRACTION = "{} of {} is {:g}, which is not a fraction of 1, and the board has no other to compare it with"


@dataclass(frozen=True)
class Scale:
    """The scores of one metric of one task."""

    lowest: float
    highest: float
    has_parts: bool
    """Whether one lies between 0 and ±1."""

    @property
    def is_of_fractions(self) -> bool:
        """Whether each could be a fraction of 1. The page then shows all of them as percentages."""
        return could_be_fraction(self.lowest) and could_be_fraction(self.highest)

    def with_score(self, score: float) -> Scale:
        """Return the scale of one more score."""
        return Scale(min(self.lowest, score), max(self.highest, score), self.has_parts or _is_part(score))


class Scales:
    """The scales of all scores of a board, and of what is imported into it."""

    def __init__(self, results: Iterable[Result] = ()) -> None:
        self._known: dict[tuple[str, str], Scale] = {}
        for result in results:
            self.add(result)

    def add(self, result: Result) -> None:
        """Take the scores of one more result."""
        for task, metric, score in _scores(result, result.scores):
            before = self._known.get((task, metric), Scale(score, score, _is_part(score)))
            self._known[task, metric] = before.with_score(score)

    def check(self, result: Result, tasks: Iterable[str]) -> None:
        """Refuse a result with a score of these tasks that none of the board's is like. Raises Refused."""
        for task, metric, score in _scores(result, tasks):
            scale = self._known.get((task, metric))
            if scale and (why := _why_doubtful(metric, score, scale)):
                raise Refused(OTHER_SCALE.format(metric, task, score, why))

    def doubts(self, result: Result, tasks: Iterable[str]) -> Iterator[str]:
        """Yield which scores of these tasks are no fractions, where the board has none to compare with."""
        for task, metric, score in _scores(result, tasks):
            is_first = (task, metric) not in self._known
            if is_first and _can_be_of_fractions(metric) and not could_be_fraction(score):
                yield NO_FRACTION.format(metric, task, score)


def _why_doubtful(metric: str, score: float, scale: Scale) -> str:
    """Return why a score may be on another scale than the others; empty if it is like them."""
    if score < -ROUNDING and scale.lowest >= 0:
        return NOT_NEGATIVE
    if not _can_be_of_fractions(metric):
        return ""
    if scale.is_of_fractions:
        return "" if could_be_fraction(score) else ARE_FRACTIONS
    return ARE_LARGE if _is_part(score) and not scale.has_parts else ""


def _can_be_of_fractions(metric: str) -> bool:
    name, _, _ = metric.partition(",")
    return is_of_fractions(name)


def _is_part(score: float) -> bool:
    return 0 < abs(score) < 1


def _scores(result: Result, tasks: Iterable[str]) -> Iterator[tuple[str, str, float]]:
    for task in tasks:
        for metric, score in result.scores[task].items():
            if score is not None:
                yield task, metric, score

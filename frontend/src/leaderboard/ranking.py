"""The averages of the rows, and their ranks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import fsum

from src.leaderboard.rows import Row
from src.leaderboard.scoring import TaskColumn, groups_of


def averaged(row: Row, counted: Sequence[float | None], columns: Sequence[TaskColumn]) -> Row:
    """Return the row with its average and standing, from the scores that count."""
    pairs = [pair for pair in zip(counted, columns, strict=True) if pair[1].task.in_average]
    averaged = [pair for pair in pairs if pair[1].is_averaged]
    wanted = averaged or pairs
    known = [(score, column.task.weight) for score, column in wanted if score is not None]
    is_complete = len(known) == len(wanted)
    average = _mean(known) if averaged and is_complete else None
    return replace(
        row,
        average=average,
        done=len(known),
        total=len(wanted),
        standing=average if averaged or not is_complete else _turned(known[0][0], pairs[0][1]),
    )


def with_group_means(rows: list[Row], columns: Sequence[TaskColumn], *, rank_mixed: bool) -> list[Row]:
    """Add the weighted mean of each group of tasks."""
    groups = groups_of(columns)
    if not groups:
        return rows
    found = []
    for row in rows:
        counted = row.scores if rank_mixed else unmarked(row)
        means = []
        for group in groups:
            known = [
                (score, columns[place].task.weight)
                for place in group.places
                if (score := counted[place]) is not None
            ]
            means.append(_mean(known) if len(known) == len(group.places) else None)
        found.append(replace(row, groups=tuple(means)))
    return found


def ranked(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rank the rows, the best first. Equal rows share a rank. Rows without a standing come last."""
    rows = sorted(rows, key=_by_name)
    standing = sorted((row for row in rows if row.standing is not None), key=lambda row: -(row.standing or 0))
    rest = sorted((row for row in rows if row.standing is None), key=lambda row: -row.done)
    ranks: dict[float, int] = {}
    for place, row in enumerate(standing, start=1):
        ranks.setdefault(_rounded(row), place)
    return (*(replace(row, rank=ranks[_rounded(row)]) for row in standing), *rest)


def rounded(score: float) -> float:
    """Round a score: means that differ by less are equal. The order of adding makes such differences."""
    return round(score, 9)


def unmarked(row: Row) -> Sequence[float | None]:
    """Return the scores of a row, without those that are marked."""
    if not row.marks:
        return row.scores
    return [None if mark else score for score, mark in zip(row.scores, row.marks, strict=True)]


def _turned(score: float, column: TaskColumn) -> float:
    """Return a score turned so that higher is better, to rank a leaderboard that has nothing to average."""
    return score if column.higher_is_better else -score


def _mean(scores: Sequence[tuple[float, float]]) -> float:
    """Return the weighted mean of scores. Only the proportions of the weights count.

    Scores are divided before they are added, so that finite scores never have an infinite mean.
    """
    largest = max(weight for _, weight in scores)
    total = fsum(weight / largest for _, weight in scores)
    try:
        return fsum(score / total * (weight / largest) for score, weight in scores)
    except OverflowError:  # rounding carries the mean of the largest floats beyond them
        return max((score for score, _ in scores), key=abs)


def _by_name(row: Row) -> tuple[str, str, str, bool]:
    return row.model.casefold(), row.precision, row.weight_type, row.use_chat_template


def _rounded(row: Row) -> float:
    return rounded(row.standing or 0.0)

"""Standings made of rows for the charts, without requests and results in files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache

from src.columns import Column
from src.leaderboard.rows import Row, Standings
from src.leaderboard.scores import score_columns
from src.leaderboard.scoring import TaskColumn
from src.shared.data.provenance import Cost, Provenance
from src.shared.data.reports import read_result
from src.shared.data.result import UNKNOWN_TIME, Result
from src.tasks import Task
from support.boards import NOW
from support.factories import make_request, make_result_file

UP = TaskColumn(Task("up", "acc", "Up"))
DOWN = TaskColumn(Task("down", "ppl", "Down"), higher_is_better=False)


def row(
    *found: float | None,
    size: float | None = 1.0,
    day: int | None = 0,
    model: str = "acme/tiny",
    precision: str = "float16",
    minutes: float | None = 60.0,
    price: float | None = 1.0,
) -> Row:
    """A row with these scores, the first of which is the average; `day` counts from a fixed one.

    One evaluation took `minutes`, at a price in dollars an hour.
    """
    return Row(
        model=model,
        precision=precision,
        weight_type="Original",
        commit=None,
        scores=found,
        errors=(None,) * len(found),
        samples=(None,) * len(found),
        sources=(evaluation(minutes, price),) + (None,) * (len(found) - 1),
        average=found[0],
        done=1,
        total=1,
        standing=found[0],
        ended=NOW,
        first_ended=UNKNOWN_TIME if day is None else NOW + timedelta(days=day),
        request=make_request(model=model, params=size),
    )


def evaluation(minutes: float | None, price: float | None, path: str = "acme/tiny/results.json") -> Result:
    """A result of which only the costs matter."""
    cost = Cost(seconds=None if minutes is None else minutes * 60, price=price)
    return replace(_any_result(), path=path, provenance=Provenance(cost=cost))


@cache
def _any_result() -> Result:
    return read_result("acme/tiny/results.json", make_result_file())


def board(*rows: Row, tasks: Sequence[TaskColumn] = (UP, DOWN)) -> Standings:
    """Standings of these rows, in their order."""
    return Standings(tuple(tasks), rows)


def named(standings: Standings, name: str) -> Column:
    """The column of scores with this name."""
    return next(column for column in score_columns(standings) if column.name == name)

"""Standings made of rows for the charts, without requests and results in files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from src.columns import Column
from src.leaderboard.rows import Row, Standings
from src.leaderboard.scores import score_columns
from src.leaderboard.scoring import TaskColumn
from src.shared.data.result import UNKNOWN_TIME
from src.tasks import Task
from support.boards import NOW
from support.factories import make_request

UP = TaskColumn(Task("up", "acc", "Up"))
DOWN = TaskColumn(Task("down", "ppl", "Down"), higher_is_better=False)


def row(
    *found: float | None,
    size: float | None = 1.0,
    day: int | None = 0,
    model: str = "acme/tiny",
    precision: str = "float16",
) -> Row:
    """A row with these scores, the first of which is the average; `day` counts from a fixed one."""
    return Row(
        model=model,
        precision=precision,
        weight_type="Original",
        commit=None,
        scores=found,
        errors=(None,) * len(found),
        samples=(None,) * len(found),
        sources=(None,) * len(found),
        average=found[0],
        done=1,
        total=1,
        standing=found[0],
        ended=NOW,
        first_ended=UNKNOWN_TIME if day is None else NOW + timedelta(days=day),
        request=make_request(model=model, params=size),
    )


def board(*rows: Row, tasks: Sequence[TaskColumn] = (UP, DOWN)) -> Standings:
    """Standings of these rows, in their order."""
    return Standings(tuple(tasks), rows)


def named(standings: Standings, name: str) -> Column:
    """The column of scores with this name."""
    return next(column for column in score_columns(standings) if column.name == name)

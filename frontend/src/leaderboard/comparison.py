"""Several rows side by side: their scores, which differences are significant, and which settings differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from src.columns import size
from src.leaderboard.details import Measured, compared, difference, measured
from src.leaderboard.marking import conditions_in_words
from src.leaderboard.ranking import Averaging
from src.leaderboard.references import referred
from src.leaderboard.rows import Row, Standings
from src.leaderboard.scoring import TaskColumn, name_in
from src.leaderboard.search import found, read_search
from src.leaderboard.served import server_and_proof
from src.shared.data.result import Result

MOST = 5
"""The most rows side by side."""


class Side(NamedTuple):
    """A score of one of the rows, next to that of the first row."""

    measured: Measured
    difference: float | None
    """How much better it is than the first row's score; None for the first row, and where one is missing."""
    differs: bool | None
    """Whether the two differ significantly; None if an error is unknown."""

    @property
    def is_better(self) -> bool:
        """Whether it is significantly better than the first row's score."""
        return bool(self.differs) and (self.difference or 0.0) > 0

    @property
    def is_worse(self) -> bool:
        """Whether it is significantly worse."""
        return bool(self.differs) and (self.difference or 0.0) < 0


class Setting(NamedTuple):
    """A setting that is not the same for all rows."""

    name: str
    values: Sequence[str]
    """One for each row; empty where it is unknown."""


class Tally(NamedTuple):
    """On how many tasks a row is significantly better or worse than the first, or neither."""

    better: int
    worse: int
    unclear: int


@dataclass(frozen=True)
class Comparison:
    """Rows side by side. The first is the one that the others are compared with."""

    standings: Standings
    rows: Sequence[Row]

    @cached_property
    def lines(self) -> Sequence[Sequence[Side]]:
        """The scores of all rows for each task."""
        every = [measured(self.standings, row) for row in self.rows]
        return [[_side(one, sides[0]) for one in sides] for sides in zip(*every, strict=True)]

    @cached_property
    def averages(self) -> Sequence[tuple[float | None, bool | None]]:
        """How much better each row is than the first as a whole, and whether that is significant.

        Rows are compared by what ranks them, nearly always the average. Without it there is no difference.
        """
        first = self.rows[0] if self.rows else None
        return [
            (None, None)
            if first is None or row is first or row.standing is None or first.standing is None
            else compared(row, first)
            for row in self.rows
        ]

    @property
    def ranked_by(self) -> str:
        """The name of the task that ranks the rows; empty if that is the average."""
        averaging = Averaging.of(self.standings.tasks)
        return "" if averaging.is_mean else self.standings.tasks[averaging.places[0]].task.col_name

    def tally(self, place: int) -> Tally:
        """Return on how many tasks a row is better and worse than the first."""
        sides = [line[place] for line in self.lines]
        better, worse = sum(side.is_better for side in sides), sum(side.is_worse for side in sides)
        both = sum(side.difference is not None for side in sides)
        return Tally(better, worse, both - better - worse)

    @cached_property
    def settings(self) -> Sequence[Setting]:
        """The settings that differ."""
        named = [(name, [read(row) for row in self.rows]) for name, read in SETTINGS.items()]
        for number, column in enumerate(self.standings.tasks):
            for name, read in SETTINGS_OF_A_TASK.items():
                values = [read(row, number, column) for row in self.rows]
                named.append((f"{name}, {column.task.col_name}", values))
        return [Setting(name, values) for name, values in named if len(set(values)) > 1]


def chosen(standings: Standings, references: Iterable[str]) -> list[Row]:
    """Return the rows that references mean, each once, at most five. What means nothing is left out."""
    rows = {id(row): row for text in references if (row := referred(standings, text))}
    return list(rows.values())[:MOST]


def with_another(standings: Standings, rows: Sequence[Row], search: str) -> list[Row]:
    """Return the rows, and the best other one that a reference or a search means."""
    if not search.strip() or len(rows) >= MOST:
        return list(rows)
    named = referred(standings, search)
    sought = [named] if named else found(standings, read_search(search))
    new = next((row for row in sought if all(row is not each for each in rows)), None)
    return [*rows, new] if new else list(rows)


def _side(one: Measured, first: Measured) -> Side:
    if one is first or one.score is None or first.score is None:
        return Side(one, None, None)
    apart, differs = difference((one.score, one.error), (first.score, first.error))
    return Side(one, apart if one.column.higher_is_better else -apart, differs)


def _parameters(row: Row) -> str:
    known = row.request.params if row.request else None
    return "" if known is None else size(known)


def _of_results(read: Callable[[Result], str | None]) -> Callable[[Row], str]:
    """Return how a setting of a row's results reads, each value once."""
    return lambda row: ", ".join(sorted({value for result in row.origins if (value := read(result))}))


def _served_by(result: Result) -> str | None:
    """Return who answered. Our worker says so of a server, and did it itself otherwise."""
    served = result.provenance.served
    image = f" ({served.image})" if served and served.image else ""
    return f"{server_and_proof(served)}{image}" or ("the worker itself" if result.run else None)


def _batch_size(result: Result) -> str | None:
    """Return the engine's batch size. A server has one of its own, which nobody knows."""
    return result.setup.batch_size if result.setup and not result.provenance.served else None


SETTINGS: dict[str, Callable[[Row], str]] = {
    "Parameters (billions)": _parameters,
    "Precision": lambda row: row.precision,
    "Weight type": lambda row: row.weight_type,
    "Chat template": lambda row: "yes" if row.use_chat_template else "no",
    "Chat template's hash": _of_results(lambda result: result.provenance.chat_template_sha),
    "System prompt's hash": _of_results(lambda result: result.provenance.system_instruction_sha),
    "Limit": lambda row: "" if row.limit is None else f"{row.limit:g}",
    "Evaluated with": _of_results(lambda result: result.engine),
    "Engine's version": _of_results(lambda result: result.setup.version if result.setup else None),
    "Further settings": _of_results(conditions_in_words),
    "transformers": _of_results(lambda result: result.setup.transformers if result.setup else None),
    "Batch size": _of_results(_batch_size),
    "Served by": _of_results(_served_by),
    "Hardware": _of_results(lambda result: result.provenance.hardware),
}
"""How each setting of a row reads; empty where it is unknown."""


def _of_task(read: Callable[[Result, str], object]) -> Callable[[Row, int, TaskColumn], str]:
    """Return how a setting of a row's task reads. `read` takes a result and the task's name in it."""

    def shown(row: Row, number: int, column: TaskColumn) -> str:
        source = row.sources[number]
        value = read(source, name_in(source, column.task)) if source else None
        return "" if value is None else str(value)

    return shown


def _samples(row: Row, number: int, column: TaskColumn) -> str:
    samples = row.samples[number]
    return "" if samples is None else f"{samples:,}"


SETTINGS_OF_A_TASK: dict[str, Callable[[Row, int, TaskColumn], str]] = {
    "Examples": _of_task(lambda result, task: result.setting(task).n_shot),
    "Task version": _of_task(lambda result, task: result.setting(task).version),
    "Task hash": _of_task(lambda result, task: result.provenance.task_hashes.get(task)),
    "Questions": _samples,
}
"""How each setting of a row's task reads; empty where it is unknown."""

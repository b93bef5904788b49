"""The columns of the table: what each is called, what it shows of a row, and which are shown by default."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, NamedTuple

from src.leaderboard import costs
from src.leaderboard.rows import Row
from src.leaderboard.scoring import LOWER_IS_BETTER, TaskColumn, groups_of
from src.model_types import UNKNOWN, ModelType, read_model_type
from src.shared.data.result import UNKNOWN_TIME
from src.tasks import Task

Value = str | float | int | bool | None

LARGEST_INTEGER = 2**63

PLAIN = (str, float, int, bool, NoneType)
"""The types that a value may have."""


class Cell(NamedTuple):
    """A cell: the value, None if it is unknown, and how it reads."""

    value: Value
    text: str


class Cells(NamedTuple):
    """A column's cells of several rows."""

    values: list[Value]
    texts: list[str]


def score(value: float) -> str:
    """Format a score with two decimals, or in scientific notation if it is huge."""
    return f"{value:.2f}" if -1e9 < value < 1e9 else f"{value:.3g}"


def _scores(values: Sequence[Any]) -> list[str]:
    """Format several scores. Formatting all at once takes half the time."""
    if values and min(values) > -1e9 and max(values) < 1e9:
        return ("%.2f\n" * len(values) % tuple(values)).split()
    return [score(value) for value in values]


def size(value: float) -> str:
    """Format billions of parameters with three decimals, or with three digits if below 1."""
    return f"{value:.3f}" if value >= 1 else f"{value:.3g}"


def minutes(value: float) -> str:
    """Format minutes with one decimal, or with two digits if below 1."""
    return f"{value:,.1f}" if value >= 1 or not value else f"{value:.2g}"


def dollars(value: float) -> str:
    """Format dollars with cents, or with two digits if below 10 cents."""
    return f"{value:,.2f}" if value >= 0.1 or not value else f"{value:.2g}"


def short(value: str) -> str:
    """Shorten a commit to its first ten digits."""
    return value[:10]


def yes_or_no(value: bool) -> str:
    """Format a truth value."""
    return "yes" if value else "no"


@dataclass(frozen=True)
class Column:
    """One column of the table. Owners write columns too: a cell whose function fails is empty."""

    header: str
    value: Callable[[Row], Value] = field(repr=False)
    """Returns the value for a row, or None if it is unknown."""
    text: Callable[[Any], str] = field(default=str, repr=False)
    """Returns how a known value reads."""
    is_default: bool = False
    """Whether it is shown until a visitor chooses columns."""
    is_fixed: bool = False
    """Whether it is always shown."""
    is_text: bool = False
    lower_first: bool = False
    """Whether low values are better, so that visitors sort it in ascending order."""
    instead: Callable[[Row], str] = field(default=lambda row: "", repr=False)
    """How the cell reads where the value is unknown."""
    mark: Callable[[Row], str] | None = field(default=None, repr=False)
    """What a note says about the value: why it may not be comparable with most of the column, or why the
    owner flagged the model. None for a column without marks.
    """
    task: Task | None = None
    """The task whose scores it has; None for any other column."""

    @property
    def name(self) -> str:
        """The header without the arrow that depends on the results; visitors choose the column by it."""
        return self.header.removesuffix(LOWER_IS_BETTER)

    def cell(self, row: Row) -> Cell:
        """Return the cell of a row."""
        cells = self.cells([row])
        return Cell(cells.values[0], cells.texts[0])

    def value_of(self, row: Row) -> Value:
        """Return the value of a row's cell, or None if it is unknown or the column's function fails."""
        try:
            return _plain(self.value(row))
        except Exception:  # noqa: BLE001  # it is the owner's; `fault_of` reports it
            return None

    def fault_of(self, row: Row) -> Exception | None:
        """Return the error that the column raises for a row, or None."""
        try:
            self._cell(row)
        except Exception as error:  # noqa: BLE001  # it is the owner's
            return error
        return None

    def fault_in(self, rows: Sequence[Row]) -> Exception | None:
        """Return the first error that the column raises for these rows, or None."""
        with suppress(Exception):  # it is the owner's
            self._cells_at_once(rows)
            return None
        return next(filter(None, map(self.fault_of, rows)), None)

    def cells(self, rows: Sequence[Row]) -> Cells:
        """Return the cells of several rows. For thousands of rows this is much faster than one by one."""
        try:
            return self._cells_at_once(rows)
        except Exception:  # noqa: BLE001  # it is the owner's; other rows keep their cells
            cells = [Cell(None, "") if self.fault_of(row) else self._cell(row) for row in rows]
            return Cells([cell.value for cell in cells], [cell.text for cell in cells])

    def _cell(self, row: Row) -> Cell:
        value = _plain(self.value(row))
        text = self.instead(row) if value is None else self.text(value)
        if not isinstance(text, str):
            raise TypeError(f"the text of a cell is a {type(text).__name__}, not a str")
        return Cell(value, text)

    def _cells_at_once(self, rows: Sequence[Row]) -> Cells:
        value, instead = self.value, self.instead
        values = [value(row) for row in rows]
        known = [value for value in values if value is not None]
        texts = _scores(known) if self.text is score else [self.text(value) for value in known]
        if len(known) < len(values):
            known_texts = iter(texts)
            texts = [
                instead(row) if value is None else next(known_texts)
                for row, value in zip(rows, values, strict=True)
            ]
        for kind in set(map(type, values)):
            _refuse_unless_plain(kind)
        _refuse_unless_json(values)
        if set(map(type, texts)) - {str}:
            raise TypeError("a text is none")
        return Cells(values, texts)


def _plain(value: Value) -> Value:
    """Return the value. Raises TypeError or ValueError if a cell cannot hold it."""
    _refuse_unless_plain(type(value))
    _refuse_unless_json([value])
    return value


def _refuse_unless_plain(kind: type) -> None:
    if not issubclass(kind, PLAIN):
        raise TypeError(f"the value of a cell is a {kind.__name__}, not a str, float, int, bool or None")


def _refuse_unless_json(values: Sequence[Value]) -> None:
    """JSON has no integers of any length, and no halves of a surrogate pair."""
    largest = max((abs(value) for value in values if isinstance(value, int)), default=0)
    if largest >= LARGEST_INTEGER:
        raise ValueError("the value of a cell is an integer of more than 64 bits: return a float")
    "".join(value for value in values if isinstance(value, str)).encode()


def faults(columns: Sequence[Column], rows: Sequence[Row]) -> dict[str, Exception]:
    """Return the first error of each column that fails, by its header."""
    found = ((column.header, column.fault_in(rows)) for column in columns)
    return {header: fault for header, fault in found if fault}


def model_type(row: Row) -> ModelType:
    """Return the kind of model that the request names."""
    return read_model_type(row.request.model_type) if row.request else UNKNOWN


def _progress(row: Row) -> str:
    return "" if row.is_complete else f"{row.done}/{row.total}"


def _architecture(row: Row) -> str | None:
    """Return the architecture. Request files have it under either of two keys, as a text or a list."""
    extra = row.request.extra if row.request else {}
    named = extra.get("architectures") or extra.get("architecture")
    first = named[0] if isinstance(named, list) and named else named
    return first if isinstance(first, str) else None


def _day(row: Row) -> str | None:
    """Return the day of the evaluation. It sorts as a number does: the newest first."""
    return f"{row.ended:%Y-%m-%d}" if row.ended > UNKNOWN_TIME else None


def _flag(row: Row) -> str:
    """Return the owner's reason for a flag; empty for a model without one."""
    return "" if row.flag is None else f"Flagged{f': {row.flag}' if row.flag else '.'}"


RANK = Column("Rank", lambda row: row.rank, is_default=True, is_fixed=True, lower_first=True)
TYPE_SYMBOL = Column(
    "T", lambda row: model_type(row).symbol or None, is_default=True, is_fixed=True, is_text=True
)
MODEL = Column("Model", lambda row: row.model, is_default=True, is_fixed=True, is_text=True, mark=_flag)
AVERAGE = Column("Average ⬆️", lambda row: row.average, score, is_default=True, instead=_progress)
TYPE = Column("Type", lambda row: model_type(row).name or None, is_text=True)
ARCHITECTURE = Column("Architecture", _architecture, is_text=True)
WEIGHT_TYPE = Column("Weight type", lambda row: row.weight_type, is_text=True)
PRECISION = Column("Precision", lambda row: row.precision, is_default=True, is_text=True)
CHAT_TEMPLATE = Column("Chat template", lambda row: row.use_chat_template, yes_or_no)
LICENSE = Column("Hub License", lambda row: (row.request and row.request.license) or None, is_text=True)
PARAMS = Column("#Params (B)", lambda row: row.request.params if row.request else None, size, is_default=True)
LIKES = Column("Hub ❤️", lambda row: row.request.likes if row.request else None)
AVAILABLE = Column("Available on the hub", lambda row: row.is_available, yes_or_no)
EVALUATED = Column("Evaluated", _day)
MINUTES = Column("Evaluation (minutes)", costs.minutes, minutes, lower_first=True)
DOLLARS = Column("Evaluation ($)", costs.dollars, dollars, lower_first=True)
COMMIT = Column("Model sha", lambda row: row.commit, short, is_text=True)

BEFORE_TASKS = [RANK, TYPE_SYMBOL, MODEL, AVERAGE]
AFTER_TASKS = [
    TYPE,
    ARCHITECTURE,
    WEIGHT_TYPE,
    PRECISION,
    CHAT_TEMPLATE,
    LICENSE,
    PARAMS,
    LIKES,
    AVAILABLE,
    EVALUATED,
    MINUTES,
    DOLLARS,
    COMMIT,
]
TAKEN = [column.header for column in BEFORE_TASKS + AFTER_TASKS]
"""Names that no task's column may have."""


def columns(tasks: Sequence[TaskColumn]) -> tuple[Column, ...]:
    """Return all columns in order, including those of the groups and of the tasks."""
    groups = (_group_column(place, group.name) for place, group in enumerate(groups_of(tasks)))
    scores = (_task_column(place, task) for place, task in enumerate(tasks))
    return (*BEFORE_TASKS, *groups, *scores, *AFTER_TASKS)


def optional_columns(tasks: Sequence[TaskColumn]) -> list[Column]:
    """Return the columns that visitors can show and hide."""
    return [column for column in columns(tasks) if not column.is_fixed]


def _group_column(place: int, name: str) -> Column:
    return Column(name, lambda row: row.groups[place], score, is_default=True)


def _task_column(place: int, task: TaskColumn) -> Column:
    return Column(
        task.header,
        lambda row: row.scores[place],
        score,
        is_default=task.task.is_default,
        lower_first=not task.higher_is_better,
        mark=lambda row: row.marks[place] if row.marks else "",
        task=task.task,
    )

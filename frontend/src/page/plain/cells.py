"""The table of the plain page: the cells of each row, and what its marks and symbols mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from markupsafe import Markup

from src.board.board import Board
from src.columns import MODEL, Column
from src.leaderboard.rows import Row
from src.leaderboard.view import Table
from src.model_types import ModelType
from src.page import marks
from src.page.details.links import DetailsLinks
from src.page.links import page_of
from src.page.table import badges, has_bars, shortened


class Name(NamedTuple):
    """A row's model, and what else distinguishes its rows."""

    text: str
    address: str | None
    details: str
    """The address of the page with its details."""
    badges: Sequence[str]
    note: str
    """The number of its note."""


class Cell(NamedTuple):
    """A cell: its attributes, its text, and the number of its note."""

    attributes: Markup
    text: str
    note: str


@dataclass(frozen=True)
class Cells:
    """What the template reads of a table. A model that was first evaluated after `new_since` has a badge."""

    board: Board
    table: Table
    new_since: datetime

    @cached_property
    def notes(self) -> Mapping[str, str]:
        """The number of the note for each reason that a score is marked for."""
        reasons = marks.numbered(self.table)
        return {reason: str(number) for number, reason in enumerate(reasons, start=1)}

    @property
    def lines(self) -> Iterator[Sequence[Name | Cell]]:
        """The cells of each row."""
        parts = [self._names() if column is MODEL else self._cells(column) for column in self.table.columns]
        return zip(*parts, strict=True)

    def _names(self) -> Sequence[Name]:
        rows = self.table.rows
        to = DetailsLinks(self.board.standings, self.table.scoring)
        details = map(to.named_model, self.table.references)
        return list(map(self._name, rows, details, marks.at(MODEL, rows, self.notes)))

    def _name(self, row: Row, details: str, note: str) -> Name:
        found = badges(row, is_new=row.first_ended >= self.new_since)
        address = page_of(row, self.board.local_models)
        return Name(shortened(row.model), address, details, found, note)

    def _cells(self, column: Column) -> Sequence[Cell]:
        values, texts = self.table.cells(column)
        best, bars = self.table.best.get(column.name), has_bars(column)
        found = marks.at(column, self.table.rows, self.notes)
        return [
            Cell(
                _attributes(value, is_best=best is not None and value == best, bar=bars),
                shortened(text),
                note,
            )
            for value, text, note in zip(values, texts, found, strict=True)
        ]

    @property
    def left_aligned(self) -> str:
        """The places of the columns of texts, as a selector of CSS."""
        places = [place for place, each in enumerate(self.table.columns, 1) if each.is_text]
        return ",".join(f"th:nth-child({place}),td:nth-child({place})" for place in places)

    @property
    def legend(self) -> Sequence[ModelType]:
        """The types that occur, each with its symbol."""
        return marks.kinds(self.table)

    @property
    def sentences(self) -> Sequence[str]:
        """What ranges, the visitor's scoring and preliminary scores mean."""
        return marks.sentences(self.table)

    @property
    def partial(self) -> Row | None:
        """The first row that lacks scores."""
        return marks.partial(self.table)


def _attributes(value: object, *, is_best: bool, bar: bool) -> Markup:
    """Return a cell's attributes: the length of its bar in percent, and whether it is the best."""
    length = int(value) if bar and isinstance(value, float) and 0 <= value <= 100 else None
    return Markup(f"{' class=best' if is_best else ''}{'' if length is None else f' style=--s:{length}'}")

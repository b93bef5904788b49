"""The form of the plain page: search, filters, columns and order, as fields that an address has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from src.columns import columns
from src.leaderboard import address
from src.leaderboard.filter_kinds import NOTHING, RANGE, UNKNOWN, AnyFilter, AnyOf, Since, Within, Without
from src.leaderboard.filters import FILTERS, choices
from src.leaderboard.rows import Standings
from src.leaderboard.view import PAGE, Table, ViewState
from src.page.filter_controls import offered as offered_choices
from src.page.plain.asked import offered
from src.page.table import shortened
from src.page.view_controls import Weight

MOST_CHOICES = 60
"""The most choices of one filter that are listed; a search such as `license: mit` finds the others."""


class Choice(NamedTuple):
    """One box, or one line of a list."""

    value: str
    label: str
    is_chosen: bool


class Boxes(NamedTuple):
    """A field that is a list of boxes."""

    name: str
    label: str
    choices: Sequence[Choice]
    marker: str = ""
    """Stands for an empty choice, which a form does not send; empty where that means all."""

    @property
    def number(self) -> int:
        """How many are checked."""
        return sum(each.is_chosen for each in self.choices)


class RangeField(NamedTuple):
    """A range of numbers, as an address writes it, and whether unknown numbers are wanted too."""

    of: Within
    text: str
    with_unknown: bool


@dataclass(frozen=True)
class Form:
    """What the template reads of the form. It shows the view that it is on."""

    standings: Standings
    state: ViewState
    table: Table

    SEARCH, SORT, WORST_FIRST, ROWS = address.SEARCH, address.SORT, address.WORST_FIRST, address.ROWS
    RANKS, RANGES, SCORES, NORMALISED = address.RANKS, address.RANGES, address.SCORES, address.NORMALISED
    YES, UNKNOWN = address.YES, UNKNOWN

    @property
    def common(self) -> Sequence[Boxes]:
        """The filters that are in sight."""
        return [self._boxes(each) for each in FILTERS if isinstance(each, AnyOf) and not each.is_rare]

    @property
    def rare(self) -> Sequence[Boxes]:
        """The other filters that are boxes."""
        return [
            self._boxes(each)
            for each in FILTERS
            if isinstance(each, Without) or (isinstance(each, AnyOf) and each.is_rare)
        ]

    @property
    def ranges(self) -> Sequence[RangeField]:
        """The filters that are ranges of numbers."""
        return [self._range(each) for each in FILTERS if isinstance(each, Within)]

    @property
    def days(self) -> Sequence[tuple[Since, str]]:
        """The filters by day, each with the chosen day."""
        return [(each, self._chosen(each)) for each in FILTERS if isinstance(each, Since)]

    @property
    def column_boxes(self) -> Sequence[Boxes]:
        """The columns that can be shown besides the usual ones, and the usual ones that can be hidden."""
        shown = {column.name for column in self.table.columns}
        boxes: dict[str, list[Choice]] = {address.SHOW: [], address.HIDE: []}
        for column in offered(self.standings):
            name = address.HIDE if column.is_default else address.SHOW
            is_changed = (column.name in shown) is not column.is_default
            boxes[name].append(Choice(column.name, column.header, is_changed))
        return [
            Boxes(address.SHOW, "Show also", boxes[address.SHOW]),
            Boxes(address.HIDE, "Leave out", boxes[address.HIDE]),
        ]

    @property
    def orders(self) -> Sequence[Choice]:
        """What one can sort by."""
        by = self.table.sorted_by.name
        return [Choice(each.name, each.header, each.name == by) for each in columns(self.standings.tasks)]

    @property
    def weights(self) -> Sequence[Weight]:
        """The weight of each column that can be in the average, the owner's and the visitor's."""
        own = dict(self.state.scoring.weights)
        tasks = [column.task for column in self.standings.tasks if column.higher_is_better]
        return [Weight.of(task, own.get(task.col_name)) for task in tasks]

    @property
    def size(self) -> str:
        """How many rows a page has, as an address writes it; empty for the usual number."""
        return "" if self.state.size == PAGE else address.write_size(self.state.size)

    def _chosen(self, each: AnyFilter) -> Any:
        return self.state.filters.get(each.name, each.at_first)

    def _range(self, each: Within) -> RangeField:
        chosen = self._chosen(each)
        text = next((text for text in each.texts(chosen) if RANGE in text), "")
        return RangeField(each, text, chosen.with_unknown)

    def _boxes(self, each: AnyOf | Without) -> Boxes:
        chosen = self._chosen(each)
        if isinstance(each, Without):
            listed = [(kind.label, name) for name, kind in each.kinds.items()]
        else:
            listed = self._listed(each)
            listed = listed + [(text, text) for text in sorted(chosen - {value for _, value in listed})]
        boxes = [Choice(value, shortened(label), value in chosen) for label, value in listed]
        return Boxes(each.name, each.label, boxes, NOTHING if isinstance(each, Without) else "")

    def _listed(self, of: AnyOf) -> list[tuple[str, str]]:
        def made() -> list[tuple[str, str]]:
            texts = choices(of.column, self.standings.rows) if of.column else []
            fitting = [text for text in texts if of.read([text])]
            return offered_choices(of, fitting)[:MOST_CHOICES]

        return self.standings.derived.once(("choices of the plain page", of.name), made)

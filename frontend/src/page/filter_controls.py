"""The controls of the filters: each kind of filter has its kind of control."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

import gradio as gr

from src.board.board import Board
from src.leaderboard.filter_kinds import AnyFilter, AnyOf, Range, Since, Within, Without
from src.leaderboard.filters import FILTERS, Chosen, choices
from src.page.updates import Updates
from src.shared.times import utc_now

RECENT = (7, 30, 90, 365)
"""The days that the list of a filter by day goes back to."""


class ListControl:
    """A drop-down list of kinds, and of the texts that occur."""

    def __init__(self, of: AnyOf) -> None:
        self.of = of
        self.components = [
            gr.Dropdown(
                offered(of),
                label=of.label,
                multiselect=True,
                allow_custom_value=True,
                elem_id=f"filter-{of.name}",
                min_width=140,
            )
        ]

    def choices(self, board: Board) -> list[tuple[str, str]]:
        """Return what is offered on a board, found once for all visitors."""

        def found() -> list[tuple[str, str]]:
            return offered(self.of, choices(self.of.column, board.standings.rows) if self.of.column else ())

        return board.derived.once(("choices", self.of.name), found)

    def chosen(self, values: Sequence[Any]) -> frozenset[str]:
        """Return what is chosen, from the values of the components."""
        return self.of.read(values[0] or ())

    def values(self, chosen: frozenset[str]) -> list[Any]:
        """Return the values of the components for a choice."""
        return [sorted(chosen)]


class BoxesControl:
    """A box for each kind of rows."""

    def __init__(self, of: AnyOf | Without) -> None:
        self.of = of
        self.components = [
            gr.CheckboxGroup(
                [(kind.label, name) for name, kind in of.kinds.items()],
                value=sorted(of.at_first),
                label=of.label,
                elem_id=f"filter-{of.name}",
                scale=3,
                min_width=300,
            )
        ]

    def chosen(self, values: Sequence[Any]) -> frozenset[str]:
        """Return what is chosen, from the values of the components."""
        return frozenset(values[0] or ()) & self.of.kinds.keys()

    def values(self, chosen: frozenset[str]) -> list[Any]:
        """Return the values of the components for a choice."""
        return [sorted(chosen)]


class RangeControl:
    """Two numbers, and whether rows without a number are wanted."""

    def __init__(self, of: Within) -> None:
        self.of = of
        name = of.label.lower()
        self.components = [
            gr.Number(None, label=f"{of.label} from", placeholder="the smallest", info=of.unit, minimum=0),
            gr.Number(None, label=f"{of.label} to", placeholder="the largest", info=of.unit, minimum=0),
            gr.Checkbox(
                False,
                label=f"Include unknown {name}s",
                info=f"With a range of {name}s",
                elem_id=f"unknown-{of.name}",
            ),
        ]

    def chosen(self, values: Sequence[Any]) -> Range:
        """Return what is chosen, from the values of the components."""
        return Range(*values)

    def values(self, chosen: Range) -> list[Any]:
        """Return the values of the components for a choice."""
        return [chosen.low, chosen.high, chosen.with_unknown]


class DayControl:
    """A day: one of some recent ones, or any that is typed in."""

    def __init__(self, of: Since) -> None:
        self.of = of
        self.components = [
            gr.Dropdown(
                recent_days(),
                value=None,
                label=of.label,
                info="Or type a day: 2026-11-29",
                allow_custom_value=True,
                elem_id=f"filter-{of.name}",
                min_width=140,
            )
        ]

    def choices(self, board: Board) -> list[tuple[str, str]]:
        """Return the recent days, whatever the board has."""
        return recent_days()

    def chosen(self, values: Sequence[Any]) -> str:
        """Return what is chosen, from the values of the components."""
        return self.of.read([str(values[0] or "")])

    def values(self, chosen: str) -> list[Any]:
        """Return the values of the components for a choice."""
        return [chosen or None]


Control = ListControl | BoxesControl | RangeControl | DayControl


def control(of: AnyFilter) -> Control:
    """Make the control of a filter."""
    match of:
        case Since():
            return DayControl(of)
        case Within():
            return RangeControl(of)
        case AnyOf(column=column) if column is not None:
            return ListControl(of)
        case _:
            return BoxesControl(of)


def recent_days() -> list[tuple[str, str]]:
    """Return the days that are offered: the label of each, and the day."""
    today = utc_now().date()
    return [(f"The last {days} days", (today - timedelta(days)).isoformat()) for days in RECENT]


def offered(of: AnyOf, texts: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return the choices of a list: the label and the value of each. A text may have a kind's name."""
    return [(kind.label, name) for name, kind in of.kinds.items()] + [
        (text, text) for text in texts if text not in of.kinds
    ]


class FilterControls:
    """The controls of all filters. Call `place` where they belong on the page."""

    def __init__(self) -> None:
        self._placed: dict[str, Control] = {}

    def place(self, *names: str) -> None:
        """Put the controls of these filters here."""
        self._placed |= {each.name: control(each) for each in FILTERS if each.name in names}

    @property
    def _controls(self) -> list[Control]:
        return [self._placed[each.name] for each in FILTERS]

    @property
    def components(self) -> list[Any]:
        """All components, in the order in which `chosen` takes their values."""
        return [component for each in self._controls for component in each.components]

    @property
    def with_choices(self) -> list[Any]:
        """The components whose choices follow the board."""
        return [component for each, component in self._lists()]

    def chosen(self, values: Sequence[Any]) -> Chosen:
        """Return what is chosen of each filter, from the values of the components."""
        left = iter(values)
        return {
            each.of.name: each.chosen(list(islice(left, len(each.components)))) for each in self._controls
        }

    def values(self, chosen: Chosen) -> list[Any]:
        """Return the values of all components for what is chosen of each filter."""
        return [value for each in self._controls for value in each.values(chosen[each.of.name])]

    def offered(self, board: Board) -> Updates:
        """Offer the choices that occur on a board, and recent days. They are the same for all visitors."""
        return {component: gr.update(choices=each.choices(board)) for each, component in self._lists()}

    def _lists(self) -> Iterator[tuple[ListControl | DayControl, Any]]:
        for each in self._controls:
            if isinstance(each, ListControl | DayControl):
                yield each, each.components[0]

"""What a visitor has chosen, part by part: each can be taken back, and the way out when nothing is found."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from src.leaderboard.filters import FILTERS, HIDDEN
from src.leaderboard.rows import Standings
from src.leaderboard.view import ViewState, view


class Active(NamedTuple):
    """One part of what a visitor chose."""

    label: str
    without: ViewState
    """The view without it."""
    found: int | None = None
    """How many rows the view without it has; None while the view has rows itself."""


def active(standings: Standings, state: ViewState) -> list[Active]:
    """Return the search and the filters of a view that leave out rows, each with the view without it.

    If they leave nothing, the parts that let most rows in come first.
    """
    parts = [Active(f"Search: {state.search.strip()}", replace(state, search=""))] * bool(
        state.search.strip()
    )
    for each in FILTERS:
        for label, without in each.parts(state.filters.get(each.name, each.at_first)):
            parts.append(Active(label, replace(state, filters={**state.filters, each.name: without})))
    if not parts or _found(standings, state):
        return parts
    hidden = state.filters.get(HIDDEN.name, HIDDEN.at_first) & HIDDEN.at_first
    for name in sorted(hidden):  # usually nobody notices these
        without = replace(state, filters={**state.filters, HIDDEN.name: hidden - {name}})
        if _found(standings, without):
            parts.append(Active(f"{HIDDEN.label}: {HIDDEN.kinds[name].label}", without))
    counted = [part._replace(found=_found(standings, part.without)) for part in parts]
    return sorted(counted, key=lambda part: -(part.found or 0))


def cleared(state: ViewState) -> ViewState:
    """Return the view without its search and filters. Columns and order stay."""
    return replace(state, search="", filters={each.name: each.at_first for each in FILTERS})


def _found(standings: Standings, state: ViewState) -> int:
    return view(standings, replace(state, columns=frozenset(), size=0)).found

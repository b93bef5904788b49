"""What a visitor has chosen, part by part: each can be taken back, and the way out when nothing is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from src.leaderboard.filters import FILTERS, HIDDEN
from src.leaderboard.rescoring import AS_PUBLISHED, Scoring, counting
from src.leaderboard.rows import Standings
from src.leaderboard.view import BY_RANK, ViewState, view


class Active(NamedTuple):
    """One part of what a visitor chose."""

    label: str
    without: ViewState
    """The view without it."""
    found: int | None = None
    """How many rows the view without it has; None while the view has rows itself."""


MOST = 10
"""The most parts that are returned: each costs a look at all rows when nothing is found."""


def active(standings: Standings, state: ViewState, *, found: int) -> list[Active]:
    """Return the search and the filters of a view that leave out rows, and the visitor's own scoring.

    Each comes with the view without it. `found` is how many rows the view has. If it has none, the parts that
    let most rows in come first.
    """
    search = state.search.strip()
    parts = [Active(f"Search: {search}", replace(state, search=""))] if search else []
    for each in FILTERS:
        for label, without in each.parts(state.filters.get(each.name, each.at_first)):
            parts.append(Active(label, _with(state, each.name, without)))
    if found:
        return parts[:MOST] + _scoring(standings, state)
    hidden = state.filters.get(HIDDEN.name, HIDDEN.at_first)
    usual = [
        Active(f"{HIDDEN.label}: {HIDDEN.kinds[name].label}", _with(state, HIDDEN.name, hidden - {name}))
        for name in sorted(hidden & HIDDEN.at_first)  # nobody notices these until they hide all
    ]
    helpful = [part for part in _counted(standings, usual) if part.found]
    return sorted(helpful + _counted(standings, parts[:MOST]), key=lambda part: -(part.found or 0))


def _scoring(standings: Standings, state: ViewState) -> list[Active]:
    """Return how a visitor wants scores to be read and averaged."""
    scoring, parts = counting(standings, state.scoring), []
    if scoring.is_normalised:
        parts.append(Active("Normalised scores", _scored(state, replace(scoring, is_normalised=False))))
    if scoring.weights:
        label = f"Your weights: {scoring.weights_in_words}"
        parts.append(Active(label, _scored(state, replace(scoring, weights=frozenset()))))
    return parts


def _scored(state: ViewState, scoring: Scoring) -> ViewState:
    return replace(state, scoring=scoring)


def _counted(standings: Standings, parts: Sequence[Active]) -> list[Active]:
    return [part._replace(found=_found(standings, part.without)) for part in parts]


def _with(state: ViewState, name: str, chosen: object) -> ViewState:
    return replace(state, filters={**state.filters, name: chosen})


def cleared(state: ViewState) -> ViewState:
    """Return the view without its search, filters and scoring. Columns and order stay."""
    return replace(
        state,
        search="",
        filters={each.name: each.at_first for each in FILTERS},
        scoring=AS_PUBLISHED,
    )


def _found(standings: Standings, state: ViewState) -> int:
    return view(standings, replace(state, columns=frozenset(), size=0, sort=BY_RANK)).found

"""A view as the query of an address, short and readable, and back: `q=qwen&type=pretrained&sort=GSM8K`.

Only what differs from the view that the page opens with is written. What cannot be understood is skipped, so
that an old link still opens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from src.columns import Column
from src.leaderboard.filters import FILTERS
from src.leaderboard.rescoring import MOST_WEIGHT, Scoring
from src.leaderboard.search import LONGEST
from src.leaderboard.sorting import Sort
from src.leaderboard.view import BY_RANK, OPENING, PAGE, ViewState
from src.tasks import Task

SEARCH, SHOW, HIDE, SORT, WORST_FIRST, ROWS = "q", "show", "hide", "sort", "worst_first", "rows"
RANKS, SCORES, WEIGHT = "ranks", "scores", "weight"
YES, ALL, RANGES, NORMALISED = "yes", "all", "ranges", "normalised"

WEIGHT_OF = f"{WEIGHT}."
"""The beginning of a key in an address that a form has made: `weight.GSM8K=2` means `weight=GSM8K:2`."""

KEYS = frozenset(
    {SEARCH, SHOW, HIDE, SORT, WORST_FIRST, ROWS, RANKS, SCORES, WEIGHT, *(each.name for each in FILTERS)}
)
"""The keys that belong to the view. The rest of a query is somebody else's."""

LONGEST_NAME = 200
"""Characters of a column's name that are read."""

MOST_PAIRS = 500
"""The most parts of a query that are read."""


def query(state: ViewState, offered: Sequence[Column]) -> str:
    """Return the query for a state. `offered` are the columns that visitors can show and hide."""
    pairs = [(SEARCH, state.search)] if state.search else []
    for each in FILTERS:
        chosen = state.filters.get(each.name, each.at_first)
        if chosen != each.at_first:
            pairs += [(each.name, text) for text in each.texts(chosen)]
    if state.columns is not None:
        at_first = _shown_at_first(offered)
        pairs += [(SHOW, name) for name in sorted(state.columns - at_first)]
        pairs += [(HIDE, name) for name in sorted(at_first - state.columns)]
    if state.sort != BY_RANK:
        pairs.append((SORT, state.sort.column))
    if state.sort.worst_first:
        pairs.append((WORST_FIRST, YES))
    if state.size != PAGE:
        pairs.append((ROWS, write_size(state.size)))
    if state.has_ranges:
        pairs.append((RANKS, RANGES))
    return urlencode([*pairs, *scoring_pairs(state.scoring)])


def scoring_pairs(scoring: Scoring) -> list[tuple[str, str]]:
    """Return the part of a query that says how scores are read and averaged."""
    pairs = [(SCORES, NORMALISED)] if scoring.is_normalised else []
    return [*pairs, *((WEIGHT, f"{name}:{weight:g}") for name, weight in sorted(scoring.weights))]


def state(query: str, offered: Sequence[Column]) -> ViewState:
    """Return the state for a query, which anybody may have written."""
    try:
        pairs = parse_qsl(query.removeprefix("?"), max_num_fields=MOST_PAIRS)
    except ValueError:
        return replace(OPENING, columns=_shown_at_first(offered))
    values: dict[str, list[str]] = {}
    for key, value in pairs:
        if key.startswith(WEIGHT_OF):
            key, value = WEIGHT, f"{key.removeprefix(WEIGHT_OF)}:{value}"
        values.setdefault(key, []).append(value)
    return ViewState(
        columns=_columns(values, offered),
        search=_first(values, SEARCH)[:LONGEST],
        filters={
            each.name: each.read(values[each.name]) if each.name in values else each.at_first
            for each in FILTERS
        },
        sort=Sort(
            _first(values, SORT)[:LONGEST_NAME] or BY_RANK.column,
            worst_first=_first(values, WORST_FIRST) == YES,
        ),
        size=read_size(_first(values, ROWS)),
        scoring=_scoring(values, offered),
        has_ranges=_first(values, RANKS) == RANGES,
    )


def scoring(query: str, offered: Sequence[Column]) -> Scoring:
    """Return how a query, which anybody may have written, wants scores to be read and averaged."""
    return state(query, offered).scoring


def _weights(texts: Iterable[str], offered: Sequence[Column]) -> frozenset[tuple[str, float]]:
    """Return the weights in texts such as `GSM8K:2`. The last one of a column counts."""
    owners = {column.name: own_weight(column.task) for column in offered if column.task}
    pairs = (text.rpartition(":") for text in texts)
    found = {name: _weight(text) for name, _, text in pairs if name in owners}
    return frozenset((name, weight) for name, weight in found.items() if weight not in (None, owners[name]))


def own_weight(task: Task) -> float:
    """Return the weight that the owner gave a task; 0 if it is not in the average."""
    return task.weight if task.in_average else 0.0


def _weight(text: str) -> float | None:
    try:
        weight = float(f"{float(text[:LONGEST_NAME]):g}") + 0.0  # as an address writes it, and never -0
    except ValueError:
        return None
    return weight if 0 <= weight <= MOST_WEIGHT else None


def _scoring(values: Mapping[str, Sequence[str]], offered: Sequence[Column]) -> Scoring:
    return Scoring(_weights(values.get(WEIGHT, ()), offered), _first(values, SCORES) == NORMALISED)


def _columns(values: Mapping[str, Sequence[str]], offered: Sequence[Column]) -> frozenset[str]:
    names = {column.name for column in offered}
    return (_shown_at_first(offered) | (names & {*values.get(SHOW, ())})) - {*values.get(HIDE, ())}


def _shown_at_first(offered: Iterable[Column]) -> frozenset[str]:
    return frozenset(column.name for column in offered if column.is_default)


def _first(values: Mapping[str, Sequence[str]], key: str) -> str:
    return values[key][0] if key in values else ""


def write_size(size: int | None) -> str:
    """Return a number of rows as a text."""
    return ALL if size is None else str(size)


def read_size(text: str) -> int | None:
    """Return the number of rows in a text that anybody may have written; None for all."""
    if text == ALL:
        return None
    return max(PAGE, int(text)) if text.isascii() and text.isdecimal() and len(text) < 7 else PAGE

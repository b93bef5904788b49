"""Searches: a text that anybody typed becomes terms, and the terms find rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from src.columns import ARCHITECTURE, COMMIT, LICENSE, MODEL, PRECISION, TYPE, WEIGHT_TYPE, Column
from src.leaderboard.rows import Row, Standings
from src.shared.data.model_name import model_name

LONGEST = 1000
"""Characters of a search that are read: twenty models' names fit."""

MOST_TERMS = 20
"""The most alternatives of a search. Each is compared with every row."""

SEARCHED = (MODEL, LICENSE)
SEARCH_FIELDS = {
    "model": MODEL,
    "license": LICENSE,
    "licence": LICENSE,
    "type": TYPE,
    "precision": PRECISION,
    "weights": WEIGHT_TYPE,
    "architecture": ARCHITECTURE,
    "sha": COMMIT,
}
"""The fields of a search such as `license: mit`, and the column that each searches."""

BETWEEN = "\0"
"""Separates two columns of one row; no search can contain it."""


@dataclass(frozen=True)
class Term:
    """One alternative: a text in lower case, in one column or in any of SEARCHED."""

    text: str
    column: Column | None = None


@dataclass(frozen=True)
class Search:
    """The terms of a search, any of which may match. Without terms, everything matches."""

    terms: tuple[Term, ...] = ()
    left_out: str = ""
    """A sentence about the part of the text that was left out; empty if all of it was used."""


def read_search(text: str) -> Search:
    """Return the search in a text: alternatives separated by `;`.

    Each is a part of a model's name or licence, or of the field that it names (`license: mit`). The address
    of a model's page stands for the model. Only the beginning of a text that is too long is read.
    """
    is_long = len(text) > LONGEST
    if is_long:  # an alternative cut in two would match other rows
        text = text[:LONGEST].rpartition(";")[0] or text[:LONGEST]
    parts = [part for part in text.split(";") if part.strip()]
    left_out = ""
    if is_long:
        left_out = f"Only the first {LONGEST:,} characters of the search were used."
    if len(parts) > MOST_TERMS:
        left_out = f"Only the first {MOST_TERMS} alternatives of the search were used."
    return Search(tuple(dict.fromkeys(map(_term, parts[:MOST_TERMS]))), left_out)


def found(standings: Standings, search: Search) -> Sequence[Row]:
    """Return the rows that a search finds, in the order of the standings."""
    rows = standings.rows
    if not search.terms:
        return rows
    missed: Sequence[int] = range(len(rows))
    for term in search.terms:
        texts = _searched_texts(standings, term.column)
        missed = [place for place in missed if term.text not in texts[place]]
    left = frozenset(missed)
    return [row for place, row in enumerate(rows) if place not in left]


def _term(part: str) -> Term:
    field, colon, words = part.partition(":")
    column = SEARCH_FIELDS.get(field.strip().lstrip("@").lower()) if colon else None
    return Term(model_name(words if column else part).casefold(), column)


def _searched_texts(standings: Standings, column: Column | None) -> list[str]:
    """Return what is searched of each row, in lower case. It is made once for all searches."""
    columns = (column,) if column else SEARCHED
    key = ("searched texts", column.header if column else None)
    return standings.derived.once(key, lambda: [_text(row, columns) for row in standings.rows])


def _text(row: Row, columns: Sequence[Column]) -> str:
    return BETWEEN.join(str(column.value_of(row) or "") for column in columns).casefold()

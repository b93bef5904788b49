"""Searches: a text that anybody typed becomes terms, and the terms find rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from src.columns import ARCHITECTURE, COMMIT, LICENSE, MODEL, PRECISION, TYPE, WEIGHT_TYPE, Column
from src.leaderboard.rows import Row, Standings
from src.shared.data.model_name import model_name

LONGEST = 1000
"""Characters of a search that are read: twenty models' names fit."""

MOST_TERMS = 20
"""The most alternatives of a search. Each is compared with every row."""

MOST_WORDS = 8
"""The most words of an alternative, all of which must be found."""

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
    """One alternative: words in lower case, each of which is in one column or in any of SEARCHED."""

    text: str
    """The words, with spaces between them."""
    column: Column | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The words, each once."""
        return tuple(dict.fromkeys(self.text.split()))


@dataclass(frozen=True)
class Search:
    """The terms of a search, any of which may match. Without terms, everything matches."""

    terms: tuple[Term, ...] = ()
    left_out: str = ""
    """A sentence about the part of the text that was left out; empty if all of it was used."""


def read_search(text: str) -> Search:
    """Return the search in a text: alternatives separated by `;`.

    Each is one or more words. All of them must be in a model's name or licence, or in the field that the
    alternative names (`license: mit`). The address of a model's page stands for the model. Only the
    beginning of a text that is too long is read.
    """
    text = text.replace(BETWEEN, "")
    is_long = len(text) > LONGEST
    if is_long:  # an alternative cut in two would match other rows
        text = text[:LONGEST].rpartition(";")[0] or text[:LONGEST]
    parts = [part for part in text.split(";") if part.strip()]
    left_out = ""
    if is_long:
        left_out = f"Only the first {LONGEST:,} characters of the search were used."
    if len(parts) > MOST_TERMS:
        left_out = f"Only the first {MOST_TERMS} alternatives of the search were used."
    terms = dict.fromkeys(map(_term, parts[:MOST_TERMS]))
    if any(len(term.words) > MOST_WORDS for term in terms):
        left_out = f"Only the first {MOST_WORDS} words of an alternative were used."
        terms = dict.fromkeys(replace(term, text=" ".join(term.words[:MOST_WORDS])) for term in terms)
    return Search(tuple(terms), left_out)


def found(standings: Standings, search: Search) -> Sequence[Row]:
    """Return the rows that a search finds, in the order of the standings."""
    rows = standings.rows
    if not search.terms:
        return rows
    missed: Sequence[int] = range(len(rows))
    for term in search.terms:
        texts = _searched_texts(standings, term.column)
        hit = missed
        for word in term.words:
            hit = [place for place in hit if word in texts[place]]
        hits = frozenset(hit)
        missed = [place for place in missed if place not in hits]
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

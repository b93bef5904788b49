"""Links to the details of models and tasks, relative to the leaderboard's page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from src.leaderboard.address import scoring_pairs
from src.leaderboard.references import reference
from src.leaderboard.rescoring import Scoring
from src.leaderboard.rows import Row, Standings

MODEL, TASK, COMPARE, NAME, ADD = "model", "task", "compare", "name", "add"

PLAIN = re.compile(r"(?!\.+(?:[/:]|$))[\w.-]+(?:/(?!\.+(?:[/:]|$))[\w.-]+)?(?::[\w.-]+)*", re.ASCII)
"""A name that a path can have. Others go into the query."""


def address(kind: str, name: str, pairs: Sequence[tuple[str, str]] = ()) -> str:
    """Return the address of the page of a model or a task, with these pairs in its query."""
    name = name.encode("utf-8", "replace").decode()
    is_plain = PLAIN.fullmatch(name) is not None
    path = f"{kind}/{quote(name, safe='/:')}" if is_plain else kind
    query = urlencode(pairs if is_plain else [(NAME, name), *pairs])
    return f"{path}?{query}" if query else path


@dataclass(frozen=True)
class DetailsLinks:
    """Links to pages that read and average scores in the same way."""

    standings: Standings
    scoring: Scoring

    def model(self, row: Row) -> str:
        """The page of a row's model."""
        return self.named_model(reference(self.standings, row))

    def named_model(self, reference: str) -> str:
        """The page of the row that a reference means."""
        return address(MODEL, reference, scoring_pairs(self.scoring))

    @property
    def table(self) -> str:
        """The table without scripts."""
        query = urlencode(self.scoring_pairs)
        return f"table?{query}" if query else "table"

    def task(self, name: str) -> str:
        """The page of a task, by its column's name."""
        return address(TASK, name, scoring_pairs(self.scoring))

    def comparison(self, rows: Sequence[Row]) -> str:
        """The page with these rows side by side."""
        return f"{COMPARE}?{urlencode(self.pairs(rows) + scoring_pairs(self.scoring))}"

    def pairs(self, rows: Sequence[Row]) -> list[tuple[str, str]]:
        """Return the part of a query that names these rows."""
        return [(MODEL, reference(self.standings, row)) for row in rows]

    @property
    def scoring_pairs(self) -> list[tuple[str, str]]:
        """The part of a query that says how scores are read and averaged."""
        return scoring_pairs(self.scoring)

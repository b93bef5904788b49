"""What all pages of details have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from urllib.parse import urlencode

from src.board.board import Board
from src.columns import score
from src.leaderboard.ranking import ranges
from src.leaderboard.references import reference
from src.leaderboard.rows import Row, Standings
from src.leaderboard.uncertainty import Z
from src.page.details.links import DetailsLinks
from src.page.links import Links
from src.page.table import shortened


@dataclass(frozen=True)
class Page:
    """What all these pages have. Its standings are those of the visitor's scoring."""

    board: Board
    standings: Standings
    to: DetailsLinks
    files: Links
    status = 200

    def reference(self, row: Row) -> str:
        """Return the name by which links mean a row: its model, and what tells its rows apart."""
        return reference(self.standings, row)

    def name(self, row: Row) -> str:
        """Return how a row is called."""
        return shortened(self.reference(row))

    def rank(self, row: Row) -> str:
        """Return a row's rank, with the ranks that it may have."""
        if row.rank is None:
            return f"no rank: {row.done} of {row.total} tasks have a score"
        found = ranges(self.standings).get(id(row))
        return found.after(row.rank) if found else str(row.rank)

    @property
    def ranked(self) -> int:
        """How many rows have a rank."""
        return sum(row.rank is not None for row in self.standings.rows)

    def score(self, value: float | None) -> str:
        """Return how a score reads; empty if it is unknown, or too large for a number."""
        return "" if value is None or not isfinite(value) else score(value)

    def margin(self, error: float | None) -> str:
        """Return how far the interval of 95 % reaches to both sides; empty if that is unknown."""
        text = "" if error is None else self.score(Z * error)
        return f"± {text}" if text else ""

    def signed(self, difference: float | None) -> str:
        """Return how a difference reads."""
        text = "" if difference is None else self.score(abs(difference))
        return f"{'+' if (difference or 0.0) >= 0 else '−'}{text}" if text else ""

    @property
    def whole(self) -> str:
        """The query of the leaderboard's page with this page open."""
        return urlencode([*self.opened, *self.to.scoring_pairs])

    @property
    def opened(self) -> Sequence[tuple[str, str]]:
        """The part of that query that says what is open."""
        return ()

    @property
    def canonical(self) -> str:
        """The address by which search engines know the page; empty if they are not to list it."""
        return ""

    @property
    def scoring(self) -> str:
        """Return in a sentence how the visitor wants scores to be read; empty if as published."""
        scoring = self.to.scoring
        parts = ["Scores are normalised: 0 is guessing, 100 is perfect."] * scoring.is_normalised
        parts += [f"The average has your weights: {scoring.weights_in_words}."] * bool(scoring.weights)
        return " ".join(parts)

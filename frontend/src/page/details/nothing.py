"""The page about what is not on the leaderboard."""

from __future__ import annotations

from dataclasses import dataclass

from src.page.details.base import Page
from src.page.table import shortened

NOT_FOUND = 404


@dataclass(frozen=True)
class NothingPage(Page):
    """What was asked for is not on the leaderboard."""

    asked: str
    template = "nothing.html"
    status = NOT_FOUND

    @property
    def title(self) -> str:
        """What the page is about."""
        return shortened(self.asked) or "Nothing found"

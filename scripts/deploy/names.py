"""What the Spaces and datasets of a board are called."""

from __future__ import annotations

import re
from dataclasses import dataclass

from src.shared.settings import is_repo_id

from .refusals import Stopped

ROLES = ("frontend", "backend")
BOARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True)
class Board:
    """A board of an owner. Without a name it is the owner's only one."""

    owner: str
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse names that the Hub cannot have. Raises Stopped."""
        if not is_repo_id(self.owner, slashes=0):
            raise Stopped(
                f"ORG is {self.owner!r}: write the name of your organisation or account on the Hub, such as "
                "`make deploy ORG=acme`."
            )
        if self.name and not (BOARD.fullmatch(self.name) and is_repo_id(self.requests, slashes=1)):
            raise Stopped(
                f"BOARD is {self.name!r}: write a short name of letters and digits, such as `math`."
            )

    @property
    def spaces(self) -> dict[str, str]:
        """The Space of each role."""
        return {"frontend": self._named("leaderboard"), "backend": self._named("backend")}

    @property
    def requests(self) -> str:
        """The requests dataset."""
        return self._named("requests")

    @property
    def results(self) -> str:
        """The results dataset."""
        return self._named("results")

    @property
    def static_space(self) -> str:
        """The static Space that shows an export of the board."""
        return self._named("leaderboard-static")

    @property
    def arguments(self) -> str:
        """How `make` names it."""
        return f"ORG={self.owner}" + (f" BOARD={self.name}" if self.name else "")

    def _named(self, name: str) -> str:
        return f"{self.owner}/{f'{self.name}-' if self.name else ''}{name}"

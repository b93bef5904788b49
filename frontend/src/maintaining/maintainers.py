"""Who is a maintainer: the logins that MAINTAINERS names, and the leaderboard's owner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from src.shared.errors import LeaderboardError
from src.submitting.submitter import Submitter

IsOwner = Callable[[str | None, str | None], bool]
"""Says of a login, and of the token under which the Hub tells whose it is, whether it is the owner's."""


class NotAMaintainer(LeaderboardError):
    """Somebody else wants what only maintainers may do. They learn nothing but that."""

    def __init__(self) -> None:
        super().__init__("Only maintainers of this leaderboard can do this.")


@dataclass(frozen=True)
class Maintainer:
    """Somebody whom `Maintainers.admit` has let in: what only maintainers may do takes one of these."""

    login: str


@dataclass(frozen=True)
class Maintainers:
    """Tells maintainers from everybody else. `names` are in lower case."""

    names: frozenset[str] = frozenset()
    is_owner: IsOwner = lambda login, token: False

    def include(self, who: Submitter, token: str | None) -> bool:
        """Return whether this is a maintainer. The Hub has confirmed the login, and `token` is its own.

        For a login that MAINTAINERS does not name, this may ask the Hub whose the leaderboard is.
        """
        if not who.login:
            return False
        return who.login.casefold() in self.names or self.is_owner(who.login, token)

    def admit(self, who: Submitter, token: str | None) -> Maintainer:
        """Return the maintainer. Raises NotAMaintainer."""
        if not who.login or not self.include(who, token):
            raise NotAMaintainer
        return Maintainer(who.login)

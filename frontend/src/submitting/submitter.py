"""Who submits: a login that the Hub has confirmed, or nobody in particular."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Submitter:
    """Who hands in a submission."""

    login: str | None = None
    """The user's name on the Hub; None without a login."""
    organisations: frozenset[str] = frozenset()
    """The organisations on the Hub that the user belongs to."""

    def is_of(self, namespace: str) -> bool:
        """Return whether a model's namespace is this user or one of their organisations."""
        names = {each.casefold() for each in (self.login, *self.organisations) if each}
        return namespace.casefold() in names

    def is_login(self, login: str | None) -> bool:
        """Return whether this is the user with that login. Always false without a login."""
        return bool(self.login and login) and str(self.login).casefold() == str(login).casefold()


ANONYMOUS = Submitter()

"""Who submits: a login of the Hub, which only the Hub tells, or nobody that is known."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Submitter:
    """Who hands in a submission; `login` is None without one, `organisations` are those of theirs."""

    login: str | None = None
    organisations: frozenset[str] = frozenset()

    def is_of(self, namespace: str) -> bool:
        """Whether the namespace of a model is this user, or one of these organisations."""
        names = {each.casefold() for each in (self.login, *self.organisations) if each}
        return namespace.casefold() in names

    def is_login(self, login: str | None) -> bool:
        """Whether this is the user with that login; nobody is nobody else."""
        return bool(self.login and login) and str(self.login).casefold() == str(login).casefold()


ANONYMOUS = Submitter()

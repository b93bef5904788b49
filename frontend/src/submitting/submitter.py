"""Who submits: a login that the Hub has confirmed, or nobody in particular."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from src.shared.errors import ConfigurationError, shown

LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?")
"""The names that users of the Hub can have."""


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


def is_a_login(text: str) -> bool:
    """Return whether a user of the Hub could have this name."""
    return LOGIN.fullmatch(text) is not None


def read_logins(setting: str, named: object) -> frozenset[str]:
    """Read the logins of a setting, in lower case: `alice, bob`, or a list. Raises ConfigurationError."""
    items = (
        named if isinstance(named, Collection) and not isinstance(named, str) else str(named or "").split(",")
    )
    logins = [item.strip() if isinstance(item, str) else item for item in items]
    for login in logins:
        if not isinstance(login, str) or (login and not is_a_login(login)):
            raise ConfigurationError(
                f"{setting} holds {shown(str(login))}, which is no user of the Hub: write logins with commas "
                "between, such as alice, bob."
            )
    return frozenset(login.casefold() for login in logins if login)

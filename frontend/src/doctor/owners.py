"""Who owns a leaderboard: the account that has the datasets or, of an organisation, its admins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from threading import Lock

from src.shared.doctor.token import ask
from src.shared.process.steady import steady_now
from src.shared.stores.hub import FAILURES, Hub

KEPT = timedelta(minutes=10)
"""How long an answer about a login counts."""

MOST = 1_000
"""How many logins are remembered."""

ASKED_IN_A_WHILE = 60
"""How many times the Hub is asked in KEPT, of all visitors together."""

PATIENCE_SECONDS = 3.0

CONNECT = partial(Hub, patience=PATIENCE_SECONDS)


class Owners:
    """Tells whether a login owns the leaderboard of a namespace. Without a namespace nobody does.

    What is told is only what the Hub says: about the login by its own token, which signing in has left in the
    visitor's session. That token is asked about and never kept.
    """

    def __init__(
        self,
        namespace: str | None,
        *,
        connect: Callable[[str], Hub] = CONNECT,
        clock: Callable[[], datetime] = steady_now,
    ) -> None:
        self._namespace = namespace
        self._connect = connect
        self._clock = clock
        self._lock = Lock()
        self._known: dict[str, tuple[datetime, bool]] = {}
        self._asked: list[datetime] = []

    def include(self, login: str | None, token: str | None) -> bool:
        """Return whether this signed-in user is an owner. `token` is the one that signing in gave."""
        if not (login and self._namespace):
            return False
        if login.casefold() == self._namespace.casefold():
            return True
        now = self._clock()
        with self._lock:
            when, is_owner = self._known.get(login, (None, False))
            if when is not None and now - when <= KEPT:
                return is_owner
            self._asked = [each for each in self._asked if now - each <= KEPT]
            if not token or len(self._asked) >= ASKED_IN_A_WHILE:
                return False
            self._asked.append(now)
        found = self._ask(login, token)
        if found is not None:
            with self._lock:
                if len(self._known) >= MOST:
                    self._known.clear()
                self._known[login] = (now, found)
        return bool(found)

    def _ask(self, login: str, token: str) -> bool | None:
        """Ask the Hub. None means that it did not answer."""
        assert self._namespace
        try:
            facts = ask(self._connect(token))
        except FAILURES:
            return None
        return facts.user.casefold() == login.casefold() and facts.is_admin_of(self._namespace)

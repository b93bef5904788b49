"""Who owns a leaderboard: the account that has the datasets or, of an organisation, its admins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock

from src.shared.doctor.token import ask
from src.shared.process.steady import steady_now
from src.shared.stores.hub import FAILURES, Hub, status_of

KEPT = timedelta(minutes=10)
"""How long an answer about a login counts."""

KEPT_OF_OWNERS = timedelta(hours=1)
"""How long an owner stays one while the Hub does not answer."""

MOST = 1_000
"""How many logins are remembered, besides the owners."""

ASKED_OF_ONE = 10
"""How many times the Hub is asked about one login in KEPT, if it does not answer.

Each login counts by itself, so that no stranger uses up what the owner needs.
"""

REFUSED = (401, 403)
"""The Hub's statuses for a token that counts no more."""

PATIENCE_SECONDS = 3.0

NEVER = datetime.min.replace(tzinfo=UTC)

CONNECT = partial(Hub, patience=PATIENCE_SECONDS)


@dataclass
class _Login:
    """What is known of a login."""

    is_owner: bool = False
    told: datetime = NEVER
    """When the Hub last said so."""
    by: int | None = None
    """The hash of the token under which it did: under another it may tell more about the user."""
    asked: list[datetime] = field(default_factory=list)
    """When it was asked in the last while."""


class Owners:
    """Tells whether a login owns the leaderboard of a namespace. Without a namespace nobody does.

    What is told is only what the Hub says: about the login by its own token, which signing in has left in the
    visitor's session. That token is asked about and never kept, except for its hash.
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
        self._logins: dict[str, _Login] = {}

    def include(self, login: str | None, token: str | None) -> bool:
        """Return whether this signed-in user is an owner. `token` is the one that signing in gave."""
        if not (login and self._namespace):
            return False
        if login.casefold() == self._namespace.casefold():
            return True
        now = self._clock()
        with self._lock:
            known = self._login(login.casefold())
            if now - known.told <= KEPT and (known.is_owner or known.by == hash(token)):
                return known.is_owner
            still = known.is_owner and now - known.told <= KEPT_OF_OWNERS
            known.asked = [each for each in known.asked if now - each <= KEPT]
            if not token or len(known.asked) >= ASKED_OF_ONE:
                return still
            known.asked.append(now)
        try:
            is_owner = self._ask(login, token)
        except FAILURES as error:
            if status_of(error) in REFUSED:
                known.is_owner = still = False
            return still
        with self._lock:
            known.is_owner, known.told, known.by = is_owner, now, hash(token)
        return is_owner

    def _login(self, login: str) -> _Login:
        """Return what is known of a login. Of too many, only the owners are remembered."""
        if login not in self._logins:
            if len(self._logins) >= MOST:
                self._logins = {each: known for each, known in self._logins.items() if known.is_owner}
            self._logins[login] = _Login()
        return self._logins[login]

    def _ask(self, login: str, token: str) -> bool:
        """Ask the Hub. Raises FAILURES."""
        assert self._namespace
        facts = ask(self._connect(token))
        return facts.user.casefold() == login.casefold() and facts.is_admin_of(self._namespace)

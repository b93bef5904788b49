"""What a worker does about servers at each tick: it looks at what there is, sweeps, and tells its owner."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta

from src.inference.market import Market
from src.inference.own_server import OwnServer, Served
from src.inference.renting import Renting
from src.inference.sweeper import Sweeper
from src.shared.process.steady import steady_now
from src.shared.times import Clock

TokenCheck = Callable[[], str | None]
"""Returns what is wrong with the token for calling models, or None. Raises ConnectionError."""

RIGHT_FOR = timedelta(hours=1)
"""How long the check of the token counts. The rights of a fine-grained token can be edited."""

NOT_CHECKED = "The Hub was not reached to check INFERENCE_TOKEN: {}"


class Hosting:
    """The servers of one worker. If it rents nothing, it looks only for what an earlier setting left."""

    def __init__(
        self,
        *,
        market: Market | None = None,
        server: OwnServer | None = None,
        sweeper: Sweeper | None = None,
        check_token: TokenCheck | None = None,
        clock: Clock = steady_now,
    ) -> None:
        self.market = market
        self.server = server
        self._sweeper = sweeper
        self._check_token = check_token
        self._clock = clock
        self._token_problem: str | None = None
        self._is_right = check_token is None
        self._checked: datetime | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences for the owner."""
        of_parts = (part.problem for part in (self.market, self.server, self._sweeper) if part)
        return tuple(dict.fromkeys(each for each in (self._token_problem, *of_parts) if each))

    @property
    def is_clean(self) -> bool:
        """Whether no endpoint is known to be left that should be gone."""
        return self._sweeper is None or not self._sweeper.left

    def may_claim(self) -> bool:
        """Return whether the token is right, a server that is there answers, and endpoints can be seen."""
        if self._sweeper and self.market and self._sweeper.problem:
            return False  # what is there can be neither seen nor deleted
        return self._is_right and (self.server is None or self.server.served is not None)

    def refresh(self, *, may_be_left: bool = False) -> None:
        """Look at everything again. Call it before the requests are read. Never raises an error.

        `may_be_left` says whether to look for endpoints although this worker makes none.
        """
        self._check_again()
        for part in (self.market, self.server):
            if part:
                part.refresh()
        if self._sweeper and (self.market or may_be_left):
            self._sweeper.look()

    @property
    def renting(self) -> Renting | None:
        """What may be rented now; None where models run elsewhere."""
        if self.market is None:
            return None
        seen = self._sweeper.seen if self._sweeper else frozenset()
        return replace(self.market.renting(), there=seen)

    @property
    def served(self) -> Served | None:
        """The models of a server that is there; None while it does not say so, and where there is none."""
        return self.server.served if self.server else None

    def _check_again(self) -> None:
        now = self._clock()
        is_fresh = self._is_right and self._checked is not None and now - self._checked < RIGHT_FOR
        if self._check_token is None or is_fresh:
            return
        try:
            self._token_problem = self._check_token()
        except ConnectionError as error:  # what was right an hour ago is not held up by a busy Hub
            self._token_problem = None if self._is_right else NOT_CHECKED.format(error)
            return
        self._is_right, self._checked = self._token_problem is None, now

    def note_money(self, lasts: timedelta | None) -> None:
        """Note for how long the day's money lasts, in case nobody can read the requests again."""
        if self.market:
            self.market.note_money(lasts)

    def sweep(self, leased: Collection[str]) -> None:
        """Delete endpoints whose claim is not one of these. Call it after the requests were read."""
        if self._sweeper:
            self._sweeper.sweep(leased)

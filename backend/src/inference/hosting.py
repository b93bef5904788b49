"""What a worker does about servers at each tick: it looks at what there is, sweeps, and tells its owner."""

from __future__ import annotations

from collections.abc import Callable, Collection

from src.inference.market import Market
from src.inference.own_server import OwnServer, Served
from src.inference.renting import Renting
from src.inference.sweeper import Sweeper

TokenCheck = Callable[[], str | None]
"""Returns what is wrong with the token for calling models, or None. Raises ConnectionError."""

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
    ) -> None:
        self.market = market
        self.server = server
        self._sweeper = sweeper
        self._check_token = check_token
        self._token_problem: str | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences for the owner."""
        of_parts = (part.problem for part in (self.market, self.server, self._sweeper) if part)
        return tuple(dict.fromkeys(each for each in (self._token_problem, *of_parts) if each))

    def may_claim(self) -> bool:
        """Return whether the token for calling models was found to be right, and a server that is there "
        "answers."""
        return self._check_token is None and (self.server is None or self.server.served is not None)

    def refresh(self, *, may_be_left: bool = False) -> None:
        """Look at everything again. Call it before the requests are read. Never raises an error.

        `may_be_left` says whether to look for endpoints although this worker makes none.
        """
        if self._check_token:
            try:
                self._token_problem = self._check_token()
            except ConnectionError as error:
                self._token_problem = NOT_CHECKED.format(error)
            if self._token_problem is None:
                self._check_token = None
        for part in (self.market, self.server):
            if part:
                part.refresh()
        if self._sweeper and (self.market or may_be_left):
            self._sweeper.look()

    @property
    def renting(self) -> Renting | None:
        """What may be rented now; None where models run elsewhere."""
        return self.market.renting() if self.market else None

    @property
    def served(self) -> Served | None:
        """The models of a server that is there; None while it does not say so, and where there is none."""
        return self.server.served if self.server else None

    def sweep(self, leased: Collection[str]) -> None:
        """Delete endpoints whose claim is not one of these. Call it after the requests were read."""
        if self._sweeper:
            self._sweeper.sweep(leased)

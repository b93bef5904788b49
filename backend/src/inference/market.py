"""What can be rented now: the Hub's list, kept for some minutes, less what turned out to be sold out."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock

from src.inference.endpoints import EndpointError, Endpoints
from src.inference.hardware import Allowed, Offers
from src.inference.renting import Renting
from src.shared.process.steady import steady_now

log = logging.getLogger(__name__)

LISTED_FOR = timedelta(minutes=10)
"""How long the Hub's list counts before it is asked for again."""

SOLD_OUT_FOR = timedelta(minutes=30)
"""How long hardware that could not be had is not asked for again."""

NOTHING_ALLOWED = (
    "None of the Hub's hardware is allowed to be rented: correct ENDPOINT_HARDWARE and ENDPOINT_REGIONS. "
    "`python -m src.inference` lists what there is."
)
NO_QUOTA = (
    "The account {namespace} has no quota for the hardware that may be rented ({names}). Ask the Hub for it "
    "at https://endpoints.huggingface.co, or allow other hardware with ENDPOINT_HARDWARE."
)


class Market:
    """Keeps the Hub's list. `rules` has the owner's limits."""

    def __init__(self, endpoints: Endpoints, allowed: Allowed, rules: Renting) -> None:
        self.endpoints = endpoints
        self._allowed = allowed
        self._rules = rules
        self._lock = Lock()
        self._offers: Offers | None = None
        self._listed: datetime | None = None
        self._spent_at: datetime | None = None
        self._sold_out: dict[str, datetime] = {}
        self.problem: str | None = None
        """A sentence for the owner."""

    def refresh(self) -> None:
        """Ask for the Hub's list if it is old. Never raises: the old list counts until there is another."""
        now = steady_now()
        if self._listed is not None and now - self._listed < LISTED_FOR:
            return
        try:
            found = self.endpoints.offers(self._allowed)
        except EndpointError as error:
            log.warning("%s", error)
            self.problem = str(error)
            return
        with self._lock:
            self._offers, self._listed = found, now
        self.problem = self._problem(found)

    def note_sold_out(self, id: str) -> None:
        """Do not choose this hardware for a while."""
        with self._lock:
            self._sold_out[id] = steady_now()

    def note_money(self, lasts: timedelta | None) -> None:
        """Note for how long the day's money lasts at what is rented; None if nothing is."""
        self._spent_at = None if lasts is None else steady_now() + lasts

    @property
    def is_spent(self) -> bool:
        """Whether the day's money is spent, by what was known when the requests could last be read."""
        spent_at = self._spent_at
        return spent_at is not None and steady_now() >= spent_at

    def renting(self) -> Renting:
        """Return what may be rented now."""
        with self._lock:
            if self._offers is None:
                return self._rules
            now = steady_now()
            sold_out = {id for id, since in self._sold_out.items() if now - since < SOLD_OUT_FOR}
            return replace(self._rules, offers=self._offers.all, free=self._offers.free - sold_out)

    def _problem(self, found: Offers) -> str | None:
        if found.all:
            return None
        if not found.beyond_the_quota:
            return NOTHING_ALLOWED
        names = ", ".join(sorted({each.name for each in found.beyond_the_quota})[:3])
        return NO_QUOTA.format(namespace=self.endpoints.namespace, names=names)

"""Deletes endpoints whose evaluation is over, whoever made them: no endpoint outlives its lease.

Every worker sweeps, at its start and at each tick. An endpoint's name has the nonce of the claim that it was
made for, so the requests say which endpoints are still needed.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from src.inference.endpoints import EndpointError, Endpoints

log = logging.getLogger(__name__)


class Sweeper:
    """Call `look` before the requests are read, and `sweep` after.

    An endpoint is made after its claim is committed. So the claim of every endpoint in an older list is in
    the requests that are read later, unless its lease has ended.
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._looked = False
        self.seen: frozenset[str] = frozenset()
        """The nonces of the leaderboard's endpoints when they were last listed."""
        self.left: frozenset[str] = frozenset()
        """Those of them that should be gone."""
        self.problem: str | None = None
        """A sentence for the owner. While there is one, nobody knows what is left."""

    def look(self) -> None:
        """List the leaderboard's endpoints. Never raises an error."""
        try:
            self.seen, self._looked, self.problem = self._endpoints.ours(), True, None
        except EndpointError as error:
            log.warning("could not look for endpoints that are left: %s", error)
            self._looked, self.problem = False, str(error)

    def sweep(self, nonces: Collection[str]) -> None:
        """Delete those that are not for one of these claims, which hold their leases. Never raises."""
        if not self._looked:
            return
        self._looked = False
        self.left = self.seen - set(nonces)
        for nonce in sorted(self.left):
            try:
                self._endpoints.delete(nonce)
            except EndpointError as error:
                log.warning("could not delete the endpoint %s: %s", self._endpoints.name(nonce), error)
                self.problem = str(error)
            else:
                log.info("deleted the endpoint %s, whose evaluation is over", self._endpoints.name(nonce))
                self.left -= {nonce}

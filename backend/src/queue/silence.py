"""Leases that nobody renews: measured here, by a clock that does not leap, whatever time stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from src.shared.data.request import LONGEST_LEASE, Lease, Request
from src.shared.process.steady import steady_now
from src.shared.times import Clock


class Silence:
    """Since when this worker has seen each lease unchanged.

    A lease whose worker died while its clock was two days ahead would last two days and an hour. Its own
    length, an hour, is right all the same: both its ends come from the same clock.
    """

    def __init__(self, skew: timedelta, clock: Clock = steady_now) -> None:
        self._skew = skew
        self._clock = clock
        self._seen: dict[str, tuple[Lease, datetime]] = {}

    def over(self, requests: Mapping[str, Request]) -> frozenset[str]:
        """The nonces of the leases that stayed unchanged for longer than they last. Call it at each tick."""
        now = self._clock()
        leases = {request.lease.nonce: request.lease for request in requests.values() if request.lease}
        old, self._seen = self._seen, {}
        for nonce, lease in leases.items():
            before, since = old.get(nonce, (lease, now))
            self._seen[nonce] = (lease, since if before == lease else now)
        return frozenset(
            nonce
            for nonce, (lease, since) in self._seen.items()
            if now - since > min(max(lease.until - lease.renewed, timedelta()), LONGEST_LEASE) + self._skew
        )

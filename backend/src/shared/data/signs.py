"""Signs that a worker is there: leases that are renewed, and attempts that ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from .request import EXPLAINED, Request, Status

SILENCE = timedelta(hours=2)
"""Two leases. If requests wait this long without a sign of a worker, no worker is running."""


def last_sign(requests: Iterable[Request]) -> datetime | None:
    """Return when a worker last wrote something into one of these requests, or None if none ever did."""
    signs = []
    for request in requests:
        if request.lease:
            signs.append(request.lease.renewed)
        signs += [each.ended for each in request.history if each.ended and not each.is_by_a_person]
    return max(signs, default=None)


def no_worker_since(requests: Iterable[Request], now: datetime) -> datetime | None:
    """Return since when requests have waited without a sign of a worker, or None while all is well."""
    requests = list(requests)
    pending = [each for each in requests if each.status is Status.PENDING]
    missed = [each for each in pending if not any(text in each.message for text in EXPLAINED)]
    waiting = [each.submitted for each in missed if each.submitted]
    if not waiting:
        return None
    sign = last_sign(requests)
    quiet_since = max(min(waiting), sign) if sign else min(waiting)
    return quiet_since if now - quiet_since > SILENCE else None

"""How much one person may submit, counted from the requests alone: it holds across frontends and restarts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from src.shared.errors import ConfigurationError
from src.shared.request import RESUBMITTED, WITHDRAWN, Request, Status
from src.submitter import Submitter

HOUR = timedelta(hours=1)

NOT_COUNTED = (Status.FAILED, Status.CANCELLED)
"""What ended without a result, or was taken back, leaves its place to another submission."""


@dataclass(frozen=True)
class Limits:
    """`quota` submissions of one login in a `period`, or what `higher` says by login (in lower case);
    `writes` of all kinds in an hour; and `pending` requests of all people together.
    """

    quota: int = 5
    period: timedelta = timedelta(days=7)
    higher: Mapping[str, int] = field(default_factory=dict)
    writes: int = 30
    pending: int = 1000

    def quota_of(self, login: str) -> int:
        """How many submissions of this login are taken in a period."""
        return self.higher.get(login.casefold(), self.quota)


def submissions(requests: Iterable[Request], who: Submitter, since: datetime) -> list[datetime]:
    """When somebody submitted what counts against the quota, the oldest first."""
    return sorted(
        request.submitted
        for request in requests
        if who.is_login(request.submitted_by)
        and request.status not in NOT_COUNTED
        and request.submitted
        and request.submitted > since
    )


def writes(requests: Iterable[Request], who: Submitter, since: datetime) -> list[datetime]:
    """When somebody submitted, withdrew or submitted again, whatever became of it, the oldest first."""
    times = (time for request in requests for time in _writes(request, who))
    return sorted(time for time in times if time and time > since)


def _writes(request: Request, who: Submitter) -> Iterator[datetime | None]:
    if who.is_login(request.submitted_by):
        yield request.submitted
    for each in request.history:
        if who.is_login(each.by):
            yield {WITHDRAWN: each.ended, RESUBMITTED: each.started}.get(each.end)


def read_higher(named: object) -> dict[str, int]:
    """Read `HIGHER_RATE_LIMITS`: a number for each login, as `alice: 50, bob: 20` or as a dictionary.

    Raises ConfigurationError.
    """
    entries = named.items() if isinstance(named, Mapping) else _pairs(str(named or ""))
    higher = {}
    for login, number in entries:
        if not str(login).strip() or not str(number).strip().isdecimal():
            raise ConfigurationError(
                f"HIGHER_RATE_LIMITS holds {f'{login}: {number}'!r}: write a login and a whole number, such "
                "as alice: 50, with commas between."
            )
        higher[str(login).strip().casefold()] = int(str(number))
    return higher


def _pairs(text: str) -> list[tuple[str, str]]:
    parts = [entry.partition(":") for entry in text.split(",") if entry.strip()]
    return [(login, number) for login, _, number in parts]

"""Who may submit and how much, counted from the requests alone: it holds across frontends and restarts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from src.queue.turns import turns
from src.shared.data.request import RESUBMITTED, WITHDRAWN, Request
from src.shared.errors import ConfigurationError
from src.submitting.submitter import Submitter

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Terms:
    """Who may submit, and how much."""

    anonymous: bool = True
    """Whether people may submit without a login."""
    login: bool = False
    """Whether the page has a login."""
    quota: int = 5
    """How many submissions of one login are evaluated in a period."""
    period: timedelta = timedelta(days=7)
    higher: Mapping[str, int] = field(default_factory=dict)
    """Other quotas, by login in lower case."""
    writes: int = 30
    """How often one login may submit and withdraw in an hour."""
    pending: int = 1000
    """How many requests of all people together may wait."""
    by_hand: bool = False
    """Whether a maintainer has to approve each submission."""

    def quota_of(self, login: str) -> int:
        """How many submissions of this login are evaluated in a period."""
        return self.higher.get(login.casefold(), self.quota)


@dataclass(frozen=True)
class Usage:
    """What one login has used of its quota."""

    open: int
    """How many submissions wait or run."""
    began: tuple[datetime, ...]
    """When the evaluations of the others began, the oldest first."""

    @property
    def number(self) -> int:
        """How many places of the quota are taken."""
        return self.open + len(self.began)


def usage(requests: Iterable[Request], who: Submitter, since: datetime) -> Usage:
    """Return what a submitter has used of the quota since a time.

    An open submission takes a place until it ends, since it may begin at any moment. An ended one takes a
    place from the time it began. It takes none if no evaluation began or the worker was at fault. So no more
    evaluations than the quota begin in any period, however submissions are withdrawn and submitted again.
    """
    theirs = [request for request in requests if _names(request, who)]
    own = [turn for request in theirs for turn in turns(request) if who.is_login(turn.by)]
    began = [turn.began for turn in own if turn.began and turn.began > since]
    return Usage(sum(turn.is_open for turn in own), tuple(sorted(began)))


def _names(request: Request, who: Submitter) -> bool:
    """Return whether the submitter has or had it. Most requests are others', so this saves time."""
    return who.is_login(request.submitted_by) or any(
        each.by and who.is_login(each.by) for each in request.history
    )


def writes(requests: Iterable[Request], who: Submitter, since: datetime) -> list[datetime]:
    """Return when a submitter submitted, withdrew or submitted again, the oldest first."""
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
            written = f"{login}:{number}" if str(number).strip() else str(login)
            raise ConfigurationError(
                f"HIGHER_RATE_LIMITS holds {written.strip()!r}: write a login and a whole number, such "
                "as alice: 50, with commas between."
            )
        higher[str(login).strip().casefold()] = int(str(number))
    return higher


def _pairs(text: str) -> list[tuple[str, str]]:
    parts = [entry.partition(":") for entry in text.split(",") if entry.strip()]
    return [(login, number) for login, _, number in parts]

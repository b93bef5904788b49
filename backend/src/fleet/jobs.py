"""The fleet on the Hub's Jobs: each member is a job, found again by its labels, and billed by the minute.

The calls are those of huggingface_hub.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from huggingface_hub.utils import build_hf_headers, paginate

from src.fleet.flavour import Flavour
from src.fleet.job_lists import GOING, OVER, flavour_from, member_from, parsed
from src.fleet.job_orders import BOARD, MEMBER, JobTerms, body_of
from src.fleet.member import Member
from src.fleet.seam import FleetError, NoHardware
from src.fleet.situation import Start
from src.inference.endpoints import ANY_FAILURE, SOLD_OUT, one_line
from src.shared.process.steady import steady_now
from src.shared.stores.hub import FAILURES, Hub, TooManyCalls, is_passing, reason, status_of
from src.shared.times import Clock, utc_now

log = logging.getLogger(__name__)

LISTED_FOR = timedelta(hours=1)
"""How long the Hub's list of hardware counts before it is asked for again."""

A_DAY = timedelta(days=1)
MOST_LISTED = 2_000
"""Read no more jobs than this of a list."""

LOG_LINES, LOG_CHARACTERS = 50, 10_000
"""How much of a job's log is read at most."""

NO_BALANCE = (
    "The Hub starts no Job for {namespace} without a positive balance (402). Add credits at "
    "https://huggingface.co/settings/billing."
)
NO_RIGHT = (
    "The token in {token} may not manage the Jobs of {namespace} ({status}). Give it that permission, or "
    "name another account in FLEET_NAMESPACE."
)
IS_SOLD_OUT = "The Hub has no {flavour} for Jobs at the moment. It will be retried automatically."
NO_CODE = "Cannot read the Space {}, whose files members run (FLEET_CODE): {}"
NOT_STARTED = "The Hub did not start a Job on {flavour}: {reason}"
NOTHING_LISTED = (
    "The Hub's list of hardware for Jobs has nothing that the fleet understands. It will be retried "
    "automatically."
)
NOT_REACHED = "The Hub's Jobs cannot be managed at the moment: {reason}"


class JobsFleet:
    """Members as Jobs. `once` makes calls that must not be repeated blindly, `clock` is for intervals."""

    def __init__(self, hub: Hub, once: Hub, terms: JobTerms, *, clock: Clock = steady_now) -> None:
        self._hub, self._once = hub, once
        self._terms = terms
        self._clock = clock
        self._offers: tuple[Flavour, ...] = ()
        self._prices: dict[str, float] = {}
        """Dollars an hour, also of hardware that is not listed any more."""
        self._listed: datetime | None = None

    def offers(self) -> Sequence[Flavour]:
        """Return the Hub's hardware, cheapest first; asked for once an hour.

        If that fails, the list of before counts for another hour: members must not go on because nobody
        knows what they cost. Raises FleetError if there is none.
        """
        now = self._clock()
        if self._listed is None or now - self._listed >= LISTED_FOR:
            try:
                self._offers = self._hardware()
            except FleetError as error:
                if not self._offers:
                    raise
                log.warning("kept the hardware as it was listed before: %s", error)
            self._prices |= {each.name: each.price for each in self._offers}
            self._listed = now
        return self._offers

    def members(self) -> Sequence[Member]:
        """Return the members that wait or run, and those that ended within the last day.

        Raises FleetError.
        """
        try:
            going = self._hub.call(lambda: list(islice(self._jobs(GOING), MOST_LISTED)))
            ended = self._hub.call(lambda: list(self._lately_ended()))
        except ANY_FAILURE as error:
            raise self._error(error) from error
        found = {each.id: each for each in self._ours([*going, *ended])}
        return sorted(found.values(), key=lambda each: (each.ordered, each.id))

    def start(self, order: Start) -> Member:
        """Start a member, unless one of its name waits or runs. Raises NoHardware and FleetError.

        The Hub lets two jobs have one name. So look again after the start: of two that two dispatchers
        ordered at once, the later one ends.
        """
        if there := self._going(order.name):
            return there[0]
        body = self._body(order)
        try:
            made = self._once.call(self._once.api.run_job, **body)
        except ANY_FAILURE as error:
            raise self._error(error, order.flavour.name) from error
        try:
            there = self._going(order.name)
        except FleetError:  # it runs and is paid for, whatever the second look says
            there = []
        if there and there[0].id != made.id:
            self._cancel(made.id)
        if there:
            return there[0]
        member = order.member(utc_now(), price=order.flavour.price, id=made.id)
        return replace(member, url=made.url)  # the list lags

    def stop(self, member: Member) -> None:
        """Cancel the job of a member. Raises FleetError."""
        self._cancel(member.id)

    def end_of_log(self, member: Member) -> str:
        """Return the last lines of a job's log. Raises FleetError."""
        namespace = self._terms.namespace

        def read() -> list[str]:
            lines = self._hub.api.fetch_job_logs(job_id=member.id, namespace=namespace, tail=LOG_LINES)
            return [str(each)[:LOG_CHARACTERS] for each in islice(lines, LOG_LINES)]

        try:
            return "\n".join(self._hub.call(read))[-LOG_CHARACTERS:]
        except ANY_FAILURE as error:
            raise self._error(error) from error

    def _hardware(self) -> tuple[Flavour, ...]:
        """Ask the Hub for its hardware. Raises FleetError, also if nothing on the list can be understood."""
        try:
            listed = self._hub.call(lambda: list(islice(self._pages("hardware"), MOST_LISTED)))
        except ANY_FAILURE as error:
            raise self._error(error) from error
        found = filter(None, (flavour_from(each, self._terms.uses_all_gpus) for each in listed))
        offers = tuple(sorted(found, key=lambda each: (each.price, each.name)))
        if not offers:
            raise FleetError(NOTHING_LISTED)
        return offers

    def _cancel(self, id: str) -> None:
        try:
            self._hub.call(self._hub.api.cancel_job, job_id=id, namespace=self._terms.namespace)
        except ANY_FAILURE as error:
            if status_of(error) != 404:
                raise self._error(error) from error

    def _body(self, order: Start) -> dict[str, Any]:
        """Return the arguments of `run_job`. Raises FleetError."""
        rooms = [each.room for each in self._offers if self._terms.limits.allows(each)]
        revision = "" if self._terms.image else self._revision()
        return body_of(order, self._terms, most_gb=max(rooms, default=None), revision=revision)

    def _revision(self) -> str:
        """Return the commit of the backend's files now, so that all of a member's files are of one commit.

        Raises FleetError.
        """
        try:
            found = self._hub.call(self._hub.api.space_info, self._terms.code)
        except ANY_FAILURE as error:
            raise FleetError(NO_CODE.format(self._terms.code, self._why(error))) from error
        return str(found.sha)

    def _going(self, name: str) -> list[Member]:
        """Return the members of this name that wait or run, the oldest first. Raises FleetError."""
        try:
            listed = self._hub.call(lambda: list(islice(self._jobs(GOING, {MEMBER: name}), MOST_LISTED)))
        except ANY_FAILURE as error:
            raise self._error(error) from error
        found = [each for each in self._ours(listed) if each.ended is None and each.name == name]
        return sorted(found, key=lambda each: (each.ordered, each.id))

    def _jobs(self, stages: Iterable[str], labels: Mapping[str, str] | None = None) -> Iterator[Any]:
        """Yield this leaderboard's jobs in these stages as the Hub writes them."""
        wanted = {BOARD: self._terms.digest, **(labels or {})}
        params = [("stage", each) for each in stages] + [("label", f"{k}={v}") for k, v in wanted.items()]
        yield from self._pages(self._terms.namespace, params)

    def _pages(self, list_name: str, params: Sequence[tuple[str, str]] = ()) -> Iterator[Any]:
        """Yield the entries of a list of the Hub, from all pages.

        One entry that the client cannot read must not hide the others, so the client does not read them.
        """
        api = self._hub.api
        address = f"{api.endpoint}/api/jobs/{list_name}"
        yield from paginate(address, params=list(params), headers=build_hf_headers(token=api.token))

    def _lately_ended(self) -> Iterator[Any]:
        """Yield the jobs that ended within the last day. The Hub lists the newest first."""
        since = utc_now() - 2 * A_DAY - self._terms.longest
        for each in islice(self._jobs(OVER), MOST_LISTED):
            made = parsed(each)
            if made and made.created_at and made.created_at < since:
                return
            yield each

    def _ours(self, listed: Iterable[Any]) -> Iterator[Member]:
        """Yield the members among jobs, but none that ended more than a day ago."""
        now = utc_now()
        for each in listed:
            member = self._member(each)
            if member and (member.ended is None or now - member.ended < A_DAY):
                yield member

    def _member(self, listed: Any) -> Member | None:
        """Return the member that a job is, or None for any other job."""
        return member_from(listed, self._terms.digest, self._price)

    def _price(self, flavour: str) -> float:
        """Return the dollars an hour of a flavour, as last listed. An unknown one counts as the dearest."""
        return self._prices.get(flavour, max(self._prices.values(), default=0.0))

    def _why(self, error: Exception) -> str:
        return reason(error, self._hub) if isinstance(error, FAILURES) else "its answer is not the Hub's."

    def _error(self, error: Exception, flavour: str | None = None) -> FleetError:
        """Return the error that a failed call means."""
        status = status_of(error)
        why = self._why(error)
        names = {"namespace": self._terms.namespace, "token": self._hub.token_name, "status": status}
        if is_passing(error) or isinstance(error, TooManyCalls) or status is None:
            return FleetError(NOT_REACHED.format(reason=why))
        if status == 402:
            return FleetError(NO_BALANCE.format(**names))
        if status in (401, 403):
            return FleetError(NO_RIGHT.format(**names))
        if flavour and SOLD_OUT.search(one_line(getattr(error, "server_message", None) or "")):
            return NoHardware(IS_SOLD_OUT.format(flavour=flavour))
        if flavour:
            return NoHardware(NOT_STARTED.format(flavour=flavour, reason=why))
        return FleetError(NOT_REACHED.format(reason=why))

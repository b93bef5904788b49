"""The outlook: when the requests of a board will have their results, as ranges, and on which hardware."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from src.shared.data.backend_description import BackendDescription, FleetDescription
from src.shared.data.dollars import Bill, spent_today
from src.shared.data.precision import weights_in_gb
from src.shared.data.queue_order import DEFAULT, Requests, in_order
from src.shared.data.request import Request, Status
from src.shared.data.signs import no_worker_since
from src.shared.estimates.durations import Durations, learn, timed
from src.shared.estimates.waiting import Estimate, Fleet, Kind, Place, estimates, places_in_sight

ONE_MORE = ""
"""Where a request stands that is not in the queue: no file has this path."""


@dataclass(frozen=True)
class Outlook:
    """What is expected of the requests of a board at a moment. It is computed when it is first asked for."""

    requests: Requests
    as_of: datetime
    backend: BackendDescription | None = None

    def of(self, path: str) -> Estimate | None:
        """Return when a request will have its result; None for one that has ended.

        For one that waits for approval, as if all such were approved at this moment.
        """
        request = self.requests.get(path)
        is_waiting = request is not None and request.status is Status.WAITING
        return (self._all_if_approved if is_waiting else self._all).get(path)

    def of_one_more(self, request: Request) -> Estimate:
        """Return when a request would have its result that joins the queue at this moment.

        If it is one that would wait for approval, all such count as approved.
        """
        before = self._approved if request.status is Status.WAITING else self.requests
        requests = {**before, ONE_MORE: replace(request, status=Status.PENDING)}
        queue = in_order(requests, self._order)
        ahead = queue[: queue.index(ONE_MORE) + 1]
        return self._played({**self._running, **{path: requests[path] for path in ahead}})[ONE_MORE]

    def hardware_of(self, request: Request) -> Kind | None:
        """Return what a fleet starts for models of this size; None without one, or if it has no room."""
        number = (
            self._fleet.kind_of(weights_in_gb(request.params, request.precision)) if self._fleet else None
        )
        return None if self._fleet is None or number is None else self._fleet.kinds[number]

    @cached_property
    def _all(self) -> Mapping[str, Estimate]:
        return self._played(self.requests)

    def _played(self, requests: Requests) -> Mapping[str, Estimate]:
        return estimates(
            requests, self._durations, self.as_of, places=self._places, order=self._order, fleet=self._fleet
        )

    @cached_property
    def _all_if_approved(self) -> Mapping[str, Estimate]:
        return self._played(self._approved)

    @cached_property
    def _approved(self) -> Requests:
        """The requests, as if all that wait for approval were approved."""
        return {
            path: replace(each, status=Status.PENDING) if each.status is Status.WAITING else each
            for path, each in self.requests.items()
        }

    @cached_property
    def _running(self) -> Requests:
        return {path: each for path, each in self.requests.items() if each.status is Status.RUNNING}

    @cached_property
    def _durations(self) -> Durations | None:
        return learn(timed(self.requests.values()))

    @cached_property
    def _order(self) -> Sequence[str]:
        return self.backend.queue_order if self.backend and self.backend.queue_order else DEFAULT

    @cached_property
    def _fleet(self) -> Fleet | None:
        described = self.backend.fleet if self.backend else None
        return fleet_from(described, self.requests.values(), self.as_of) if described else None

    @cached_property
    def _places(self) -> tuple[Place, ...]:
        """The workers in sight. While nobody misses one, the last one counts: it has had nothing to do."""
        found = places_in_sight(self.requests, self.as_of)
        if found or self._fleet or no_worker_since(self.requests.values(), self.as_of):
            return found
        attempts = (each for request in self.requests.values() for each in request.history[-1:])
        ended = [(each.ended, each.hardware) for each in attempts if each.ended and not each.is_by_a_person]
        return (Place(max(ended, key=lambda pair: pair[0])[1]),) if ended else ()


def fleet_from(described: FleetDescription, requests: Iterable[Request], now: datetime) -> Fleet:
    """Return the fleet that a backend describes, with what its evaluations have cost today."""
    return Fleet(
        most=described.max_workers,
        kinds=tuple(Kind(each.name, each.largest_gb, each.price or 0.0) for each in described.hardware),
        dollars_a_day=described.dollars_a_day,
        spent_today=spent_today(_bills(requests, now), now),
    )


def _bills(requests: Iterable[Request], now: datetime) -> Iterable[Bill]:
    for request in requests:
        for attempt in request.history:
            if attempt.price and attempt.started and attempt.ended:
                yield Bill(attempt.price, attempt.started, attempt.ended)
        if request.lease and request.lease.price:
            yield Bill(request.lease.price, request.lease.started, now)

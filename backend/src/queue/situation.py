"""Everything that a worker's decisions depend on, and what it holds and could claim of the queue."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from src.queue.lifecycle import taken_runs
from src.queue.policy import Policy
from src.running.job import Ending
from src.shared.data.queue_order import Requests, in_order
from src.shared.data.request import Progress, Status
from src.shared.data.result import Result


@dataclass(frozen=True)
class Situation:
    """Everything that a decision depends on."""

    requests: Requests
    """All readable requests, by path."""
    results: Mapping[str, Result]
    """The readable results, by path."""
    result_files: Mapping[str, str]
    """All files of the results dataset: git's blob id by path."""
    worker: str
    """The name of this worker."""
    now: datetime
    own_files: Mapping[str, str] = field(default_factory=dict)
    """The files that this worker wrote to the results dataset: git's blob id by path."""
    slots: int = 1
    """How many evaluations this worker runs at once."""
    is_stopping: bool = False
    """Whether the worker is shutting down and returns its claims."""
    policy: Policy = field(default_factory=Policy)
    alive: Mapping[str, Progress | None] = field(default_factory=dict)
    """The progress of each child of this worker, running or ended, by the nonce of its claim."""
    endings: Mapping[str, Ending] = field(default_factory=dict)
    """How the children that have ended did so, by the nonce of their claim."""
    silent: Collection[str] = ()
    """The nonces of other workers' leases that were not renewed for as long as they last."""

    def taken_runs(self, model: str, claims: Requests) -> set[str]:
        """Return the runs of the model's requests and results, and of the claims about to be written."""
        return taken_runs(model, [*self.requests.values(), *claims.values()], self.result_files)


def waiting(requests: Requests, policy: Policy, now: datetime) -> list[str]:
    """Return the paths that this worker could claim now, in the queue's order.

    Leave out models that it has no room for, and requests whose pause is not over.
    """
    return [
        path
        for path in in_order(requests, policy.order)
        if policy.has_room_for(requests[path]) and policy.retries.is_due(requests[path], now)
    ]


def held(requests: Requests, nonces: Collection[str]) -> dict[str, str]:
    """Return which of these claims are still valid: the path of the request by nonce."""
    return {
        request.lease.nonce: path
        for path, request in requests.items()
        if request.status is Status.RUNNING and request.lease and request.lease.nonce in nonces
    }

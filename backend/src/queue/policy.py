"""The owner's rules for the queue: its order, the largest model, leases and retries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from src.queue.lifecycle import LeaseTerms
from src.queue.retries import RetryTerms
from src.shared.data.precision import weights_in_gb
from src.shared.data.queue_order import DEFAULT, RULES
from src.shared.data.request import Request
from src.shared.errors import ConfigurationError


@dataclass(frozen=True)
class Policy:
    """The owner's rules for the queue."""

    lease: LeaseTerms = field(default_factory=LeaseTerms)
    retries: RetryTerms = field(default_factory=RetryTerms)
    order: tuple[str, ...] = DEFAULT
    """Names of rules in `shared/data/queue_order.py`, most important first."""
    largest: float | None = None
    """The largest weights, in GB, that this worker has room for; None means any size."""

    def has_room_for(self, request: Request) -> bool:
        """Return whether the weights fit. Weights of unknown size do."""
        size = weights_in_gb(request.params, request.precision)
        return self.largest is None or size is None or size <= self.largest


def read_order(named: object) -> tuple[str, ...]:
    """Read `QUEUE_ORDER`: names of rules, as a list or separated by commas.

    Raises ConfigurationError for an unknown rule.
    """
    entries = named.split(",") if isinstance(named, str) else named
    names = tuple(str(each).strip() for each in entries) if isinstance(entries, Iterable) else ()
    wrong = [name for name in names or (str(named),) if name not in RULES]
    if wrong:
        raise ConfigurationError(
            f"QUEUE_ORDER contains {wrong[0]!r}: write one or more of {', '.join(RULES)}."
        )
    return names

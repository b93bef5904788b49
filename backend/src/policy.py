"""The owner's rules for the queue: who goes first, what a worker takes, how long and how often it tries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from src.lifecycle import LeaseTerms
from src.retries import RetryTerms
from src.shared.errors import ConfigurationError
from src.shared.queue_order import DEFAULT, RULES
from src.shared.request import Request

BYTES_PER_PARAMETER = {"float32": 4}
"""Of the other precisions, two."""


@dataclass(frozen=True)
class Policy:
    """`order` names rules of `shared/queue_order.py`. `largest` is the size of weights, in GB, that this
    worker has room for; None is any size.
    """

    lease: LeaseTerms = field(default_factory=LeaseTerms)
    retries: RetryTerms = field(default_factory=RetryTerms)
    order: tuple[str, ...] = DEFAULT
    largest: float | None = None

    def has_room_for(self, request: Request) -> bool:
        """Whether the weights fit, as far as their size is known."""
        size = size_in_gb(request)
        return self.largest is None or size is None or size <= self.largest


def size_in_gb(request: Request) -> float | None:
    """The size of the weights in the precision that they are asked for; None when it is not known."""
    if request.params is None:
        return None
    return request.params * BYTES_PER_PARAMETER.get(request.precision, 2)


def read_order(named: object) -> tuple[str, ...]:
    """Read `QUEUE_ORDER`: names of rules, in a list or in a text with commas.

    Raises ConfigurationError for what is no rule.
    """
    entries = named.split(",") if isinstance(named, str) else named
    names = tuple(str(each).strip() for each in entries) if isinstance(entries, Iterable) else ()
    wrong = [name for name in names or (str(named),) if name not in RULES]
    if wrong:
        raise ConfigurationError(
            f"QUEUE_ORDER holds {wrong[0]!r}: write {', '.join(RULES)}, or some of them."
        )
    return names

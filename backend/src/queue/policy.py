"""The owner's rules for the queue: its order, the largest model, leases and retries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from src.inference.own_server import Served
from src.inference.renting import Renting
from src.queue.lifecycle import LeaseTerms
from src.queue.retries import RetryTerms
from src.running.inference import Machine
from src.shared.data.precision import weights_in_gb
from src.shared.data.queue_order import DEFAULT, RULES
from src.shared.data.request import (
    WAITS_FOR_A_SERVER,
    WAITS_FOR_ITS_SIZE,
    WAITS_FOR_ITS_TASKS,
    WAITS_FOR_ROOM,
    Request,
)
from src.shared.errors import ConfigurationError, named

TOO_LARGE = f"Its weights have {{:,.0f}} GB: {WAITS_FOR_ROOM}."
TOO_SMALL = f"Its weights have {{:,.1f}} GB: {WAITS_FOR_ITS_SIZE}."
NO_KNOWN_SIZE = f"The size of its weights is unknown: {WAITS_FOR_ITS_SIZE}."
NO_SUCH_HARDWARE = f"No hardware here computes models of its size in {{}}: {WAITS_FOR_ROOM}."
OTHER_TASKS = f"It is to be evaluated on {{}}, which this worker does not run: {WAITS_FOR_ITS_TASKS}."
NOT_SERVED = f"Only a server's own models are evaluated here: {WAITS_FOR_A_SERVER}."

MOST_NAMED = 3
"""How many tasks a message names. A file may ask for any number."""


@dataclass(frozen=True)
class Policy:
    """The owner's rules for the queue."""

    lease: LeaseTerms = field(default_factory=LeaseTerms)
    retries: RetryTerms = field(default_factory=RetryTerms)
    order: tuple[str, ...] = DEFAULT
    """Names of rules in `shared/data/queue_order.py`, most important first."""
    largest: float | None = None
    """The largest weights, in GB, that this worker has room for; None means any size."""
    smallest: float | None = None
    """The smallest weights, in GB, that this worker takes; None means any size, known or not."""
    is_one_of_a_fleet: bool = False
    """Whether a fleet starts others for what this worker leaves. Then it says nothing about that."""
    machine: Machine | None = None
    """What models run on unless something is rented for them; None if the owner does not say."""

    tasks: tuple[str, ...] = ()
    """The tasks of this worker's suite."""

    renting: Renting | None = None
    """What may be rented for models; None where they run on this machine or on a server that is there."""
    served: Served | None = None
    """The models of the owner's server; None where there is none."""

    @property
    def most_gb(self) -> float | None:
        """The largest weights, in GB, that this machine or anything to rent has room for; None means any."""
        rented = self.renting.largest if self.renting else None
        return min((each for each in (self.largest, rented) if each is not None), default=None)

    def has_room_for(self, request: Request) -> bool:
        """Return whether this worker can take a request, now or when something is free."""
        return self.reason_to_leave(request) is None

    def reason_to_leave(self, request: Request) -> str | None:
        """Return why this worker leaves a request to others, or None.

        Weights of unknown size fit, unless there is a smallest size.
        """
        if others := [task for task in request.tasks or () if task not in self.tasks]:
            return OTHER_TASKS.format(named(others, MOST_NAMED))
        if self.served is not None and not self.served.has(request.model, request.commit):
            return NOT_SERVED
        size = weights_in_gb(request.params, request.precision)
        if size is not None and self.most_gb is not None and size > self.most_gb:
            return TOO_LARGE.format(size)
        if self.smallest is not None and (size is None or size < self.smallest):
            return NO_KNOWN_SIZE if size is None else TOO_SMALL.format(size)
        if self.renting and not self.renting.fits(request.params, request.precision):
            return NO_SUCH_HARDWARE.format(request.precision)
        return None


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

"""The share of the queue that one worker of several takes: sizes of models, and for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from src.queue.policy import Policy
from src.running.inference import Machine
from src.shared.data.request_fields import MOST_DOLLARS_AN_HOUR
from src.shared.errors import ConfigurationError

MOST_GB, MOST_HOURS = 1e6, 366 * 24
MACHINE = re.compile(r"[\w.+-]{1,60}", re.ASCII)

NO_SIZE_LEFT = (
    "This worker is for models with at least {:g} GB, but takes none with more than {:g} GB, so none is of a "
    "size to take. Lower --smallest-gb or MIN_MODEL_GB, or use a machine with more memory."
)


@dataclass(frozen=True)
class Share:
    """What one worker of several takes, as its command says."""

    smallest_gb: float | None = None
    largest_gb: float | None = None
    claims_for: float | None = None
    """It claims nothing more after so many hours."""
    hardware: str | None = None
    """What its machine is called. With it or a price, HARDWARE and DOLLARS_PER_HOUR have no effect."""
    price: float | None = None
    """What the machine costs, in dollars an hour."""

    @property
    def is_limited(self) -> bool:
        """Whether others take what this worker leaves."""
        return self.smallest_gb is not None or self.largest_gb is not None

    def of(self, policy: Policy, *, slots: int = 1) -> Policy:
        """Return the policy for this share. `slots` evaluations share the machine's price.

        Raises ConfigurationError if no size is in it.
        """
        most = [each for each in (self.largest_gb, policy.largest) if each is not None]
        least = [each for each in (self.smallest_gb, policy.smallest) if each]
        largest, smallest = min(most, default=None), max(least, default=None)
        if largest is not None and smallest is not None and smallest > largest:
            raise ConfigurationError(NO_SIZE_LEFT.format(smallest, largest))
        return replace(
            policy,
            smallest=smallest,
            largest=largest,
            is_one_of_a_fleet=self.is_limited,
            machine=self._machine(slots) or policy.machine,
        )

    def _machine(self, slots: int) -> Machine | None:
        """Return what the command says of the machine; None if it says nothing."""
        if self.hardware is None and self.price is None:
            return None
        return Machine(self.hardware, None if self.price is None else self.price / slots)

    def closes(self, now: datetime) -> datetime:
        """Return when a worker that starts now claims nothing more."""
        return now + timedelta(hours=self.claims_for) if self.claims_for else datetime.max.replace(tzinfo=UTC)


ALL = Share()
"""The whole queue, at all hours."""


def gigabytes(text: str) -> float:
    """Read a size. Raises ValueError."""
    size = float(text)
    if not 0 <= size < MOST_GB:
        raise ValueError(text)
    return size


def hours(text: str) -> float:
    """Read a number of hours, up to a year. Raises ValueError."""
    number = float(text)
    if not 0 < number <= MOST_HOURS:
        raise ValueError(text)
    return number


def dollars(text: str) -> float:
    """Read a price. Raises ValueError."""
    price = float(text)
    if not 0 <= price <= MOST_DOLLARS_AN_HOUR:
        raise ValueError(text)
    return price


def name_of_a_machine(text: str) -> str:
    """Read what a machine is called. Raises ValueError."""
    if not MACHINE.fullmatch(text):
        raise ValueError(text)
    return text

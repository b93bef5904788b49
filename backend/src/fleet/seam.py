"""What an engine that runs members must do: list hardware and members, start, stop, show the end of a log.

A member is one `python -m src.worker --drain` on a machine of some flavour. It claims requests by itself,
under the leases of the queue, and ends when nothing is left for it. So an engine may lose a member, or start
one too many, and no request is harmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from src.shared.errors import LeaderboardError


@dataclass(frozen=True, kw_only=True)
class Flavour:
    """One kind of machine that an engine offers."""

    name: str
    """The engine's name for it: `l4x1`, or a partition of a cluster."""
    memory_gb: float
    """The memory for a model, in GB: of all its GPUs together, or else of the machine."""
    price: float | None = None
    """Dollars an hour; None where nobody is billed. An unknown price is not 0."""
    has_gpu: bool = False


class State(StrEnum):
    """Where a member stands."""

    WAITING = "waiting"
    """The engine has it, but it has not started: no machine is free, or the image is fetched."""
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class Member:
    """A member as its engine shows it, whoever started it."""

    id: str
    """The engine's name for it: the id of a job."""
    flavour: str
    smallest_gb: float
    """It claims no model whose weights are smaller."""
    largest_gb: float
    """It claims no model whose weights are larger."""
    state: State
    created: datetime
    """When it was handed to the engine."""
    started: datetime | None = None
    """When its machine started, from which time on it is billed."""
    ended: datetime | None = None
    price: float | None = None
    """Dollars an hour; None if unknown, or where nobody is billed."""
    slot: int = 0
    """Which of the members that the dispatcher wanted at once it is."""
    url: str | None = None
    """Where people can see it."""
    message: str = ""
    """What the engine says about its state: hostile until it is escaped."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """A member to start."""

    flavour: Flavour
    smallest_gb: float = 0.0
    largest_gb: float
    slot: int = 0
    """Labels and names carry it, so that a second dispatcher sees which member the first has started."""


class FleetError(LeaderboardError):
    """An engine refused or did not answer. The message is a sentence for the owner."""


class NoHardware(FleetError):
    """A flavour cannot be had at the moment, while others may be."""


class Fleet(Protocol):
    """An engine that runs members of one leaderboard."""

    @property
    def problem(self) -> str | None:
        """A sentence for the owner about what keeps this engine from starting any member, or None."""

    def offers(self) -> tuple[Flavour, ...]:
        """Return the flavours that the owner allows, cheapest first. Raises FleetError."""

    def members(self) -> tuple[Member, ...]:
        """Return the members of this leaderboard that wait or run, and those that ended since midnight UTC
        as far as the engine still knows them. Raises FleetError.
        """

    def start(self, order: Order) -> Member:
        """Start a member. Raises NoHardware and FleetError."""

    def stop(self, member: Member) -> None:
        """End a member; one that has ended already is no error. Raises FleetError."""

    def end_of_log(self, member: Member) -> str:
        """Return the last lines that a member printed, bounded, not escaped. Raises FleetError."""

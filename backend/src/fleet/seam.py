"""The interface of an engine that runs members: it lists hardware and members, starts, stops and shows logs.

An engine may lose a member, or start one too many: members claim by themselves under the leases of the queue,
so no request is harmed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from src.fleet.flavour import Flavour
from src.fleet.member import Member
from src.fleet.situation import Start
from src.shared.errors import LeaderboardError


class FleetError(LeaderboardError):
    """An engine refused or did not answer. The message is a sentence for the owner."""


class NoHardware(FleetError):
    """A flavour cannot be had at the moment, while others may be."""


class Fleet(Protocol):
    """An engine that runs the members of one leaderboard."""

    def offers(self) -> Sequence[Flavour]:
        """Return the hardware that there is, allowed or not. Raises FleetError."""

    def members(self) -> Sequence[Member]:
        """Return the members of this leaderboard that wait or run, whoever started them, and those that ended
        within the last day as far as the engine knows them. Raises FleetError.
        """

    def start(self, order: Start) -> Member:
        """Start a member. If one of this name waits or runs, return that.

        Raises NoHardware and FleetError.
        """

    def stop(self, member: Member) -> None:
        """Have a member end, or end it if it does not. One that has ended already is no error.

        Raises FleetError.
        """

    def end_of_log(self, member: Member) -> str:
        """Return the last lines that a member printed, shortened, not escaped. Raises FleetError."""

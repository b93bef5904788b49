"""The kinds of fleets that FLEET can name."""

from __future__ import annotations

from enum import StrEnum


class FleetKind(StrEnum):
    """The place where members run."""

    JOBS = "jobs"
    """As Jobs of the Hub."""
    SLURM = "slurm"
    """On a cluster with Slurm."""
    LOCAL = "local"
    """As processes of this machine."""
    OFF = "off"
    """There is no fleet: this worker evaluates."""

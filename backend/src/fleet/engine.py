"""The engines that a fleet can use: what FLEET says."""

from __future__ import annotations

from enum import StrEnum


class Engine(StrEnum):
    """Where members run."""

    JOBS = "jobs"
    """As Jobs of the Hub."""
    SLURM = "slurm"
    """On a cluster with Slurm."""
    LOCAL = "local"
    """As processes of this machine."""
    OFF = "off"
    """There is no fleet: this worker evaluates."""

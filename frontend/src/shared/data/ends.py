"""How an attempt can end, and which of these ends are not the submitter's fault."""

from __future__ import annotations

from enum import StrEnum


class End(StrEnum):
    """How an attempt ended; the value is what `history` in the request file holds.

    In the backend, `evaluation/failures.py` and `running/watch.py` have the sentence of each, and
    `queue/retries.py` says which are retried.
    """

    FINISHED = "finished"
    """The report is there and every task has a score."""
    REFUSED = "refused"
    """The model cannot be evaluated as it is; retrying would give the same result."""
    INVALID = "invalid"
    """The child ended normally, but its report is incomplete; retrying would give the same result."""
    OVER_TIME = "over time"
    """The wall-clock limit passed and the worker stopped the child."""
    CANCELLED = "cancelled"
    """A maintainer cancelled the request, or somebody wrote another status into its file."""
    CRASHED = "crashed"
    """The child died without a message: a signal, or an unforeseen error."""
    OUT_OF_MEMORY = "out of memory"
    """The child needed more memory than there was, or than it is allowed."""
    STUCK = "stuck"
    """The child made no progress for too long, so the worker stopped it."""
    UNREACHABLE = "unreachable"
    """The network or the Hub did not answer the child."""
    DISK_FULL = "disk full"
    """The worker's disk had no room left."""
    WORKER = "worker at fault"
    """The worker could not evaluate anything, whatever the model."""
    NO_HARDWARE = "no hardware"
    """The hardware that the model needs was sold out, or did not start in time."""
    OVER_BUDGET = "over budget"
    """It would have cost more than the owner spends in a day, so the worker stopped it."""
    LOST = "lost"
    """The worker that ran it is gone, or its lease ran out."""
    STOPPED = "stopped"
    """The worker had to stop, and gave its lease back."""


WORKERS_FAULT = frozenset(
    {
        End.UNREACHABLE,
        End.DISK_FULL,
        End.WORKER,
        End.NO_HARDWARE,
        End.OVER_BUDGET,
        End.LOST,
        End.STOPPED,
    }
)
"""The worker, its machine, the network or the Hub was at fault. Such attempts are retried for longer and do
not count against the submitter's quota. Every other end counts, even an unknown one.
"""

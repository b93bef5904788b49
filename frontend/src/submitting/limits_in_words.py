"""Limits in words: a size, a period, what used up a quota, and when the next submission is accepted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from src.submitting.limits import Usage

ASK = "Ask the leaderboard's owner about it."


def days(period: timedelta) -> str:
    """Return a period in days."""
    number = period / timedelta(days=1)
    return f"{number:g} day{'s' * (number != 1)}"


def in_gb(size: float) -> str:
    """Return a size in GB as people read it."""
    return f"{size:.3g} GB" if size < 1000 else f"{size:,.0f} GB"


def next_accepted(times: Sequence[datetime], limit: int, period: timedelta) -> str:
    """Return when the next one is accepted, from the times of those that count, the oldest first."""
    if limit < 1:
        return ASK
    until = times[-limit] + period + timedelta(seconds=59)  # shown to the minute, and never too early
    return f"The next one is accepted from {until:%Y-%m-%d %H:%M} UTC on."


def what_used_it(used: Usage) -> str:
    """Return what uses a quota, as the end of a sentence."""
    open_ones = f"{used.open} {'waits or runs' if used.open == 1 else 'wait or run'}"
    begun = f"{len(used.began)} {'has' if len(used.began) == 1 else 'have'} been evaluated"
    parts = [*([begun] if used.began else []), *([open_ones] if used.open else [])]
    return f": {' and '.join(parts)}" if parts else ""


def next_in_the_quota(used: Usage, quota: int, period: timedelta) -> str:
    """Return when the next one is accepted. Nobody knows when a waiting one will begin."""
    if quota < 1:
        return ASK
    if used.open < quota:
        return next_accepted(used.began, quota - used.open, period)
    return (
        "The next one is accepted when a waiting one is withdrawn, or "
        f"{days(period)} after the evaluation of one of them began."
    )

"""Times as the datasets write them: UTC, as texts that sort by time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present time, aware, in UTC; tests hand in their own."""

DATE_IN_A_NAME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d)[-:](\d\d)[-:](\d\d(?:\.\d{1,6})?)")


def utc_now() -> datetime:
    """The present time, aware, in UTC."""
    return datetime.now(UTC)


def to_text(time: datetime) -> str:
    """To the second, as `submitted_time` has always been written: `2026-01-31T12:00:00Z`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_run(time: datetime) -> str:
    """To the microsecond and fit for a file name: `2026-01-31T12-00-00.123456`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")


def from_text(text: str) -> datetime | None:
    """The first time that stands in a text (any of the forms that file names and requests carry), or None."""
    found = DATE_IN_A_NAME.search(text)
    if not found:
        return None
    day, hour, minute, second = found.groups()
    try:
        return datetime.fromisoformat(f"{day}T{hour}:{minute}:{second}+00:00")
    except ValueError:
        return None

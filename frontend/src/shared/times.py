"""Times as the datasets write them, UTC and as texts that sort by time, and lengths of time for people."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Gives the present time, aware, in UTC; tests hand in their own."""

IN_A_NAME = re.compile(
    r"(?<!\d)(\d{4})([-_]?)(\d\d)\2(\d\d)"
    r"(?:[T _-]?(\d\d)[-:_]?(\d\d)(?:[-:_]?(\d\d)(?:[.,](\d{1,6}))?)?)?(?!\d)",
    re.ASCII,
)
"""A date as file names have it, with or without a time: `2026-01-31T12-00-00.123456`, `20260131_1200`."""

SECONDS = re.compile(r"(?<!\d)1\d{9}(?!\d)", re.ASCII)
"""Seconds since 1970, of the years from 2001 to 2033."""

LONGEST = 300
"""How many characters of a text are searched for a time."""


def utc_now() -> datetime:
    """The present time, aware, in UTC."""
    return datetime.now(UTC)


def to_text(time: datetime) -> str:
    """To the second, as `submitted_time` has always been written: `2026-01-31T12:00:00Z`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_run(time: datetime) -> str:
    """To the microsecond and fit for a file name: `2026-01-31T12-00-00.123456`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")


def hours_and_minutes(time: timedelta) -> str:
    """Return a length of time as people read it: `2 h 5 min`, `40 min`, `less than a minute`."""
    hours, minutes = divmod(int(time.total_seconds()) // 60, 60)
    if time < timedelta(minutes=1):
        return "less than a minute"
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min"


def from_text(text: str) -> datetime | None:
    """Return the first time in a text, or None, from ISO 8601 and from what names of result files have.

    A date alone is its first moment; a time without a zone is UTC.
    """
    text = text[:LONGEST].strip().removesuffix("UTC").strip()
    return _iso(text) or next(filter(None, map(_date, IN_A_NAME.finditer(text))), None) or _seconds(text)


def from_seconds(seconds: float) -> datetime | None:
    """Return the time so many seconds after the beginning of 1970, or None outside the calendar."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _iso(text: str) -> datetime | None:
    is_long_enough = len(text) >= len("2026-01-31")
    if not text.isascii() or not is_long_enough or text.isdigit():
        return None
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _date(found: re.Match[str]) -> datetime | None:
    year, _, month, day, hour, minute, second, fraction = found.groups()
    parts = [
        int(part or 0) for part in (year, month, day, hour, minute, second, (fraction or "").ljust(6, "0"))
    ]
    try:
        return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]  # they are seven
    except ValueError:
        return None


def _seconds(text: str) -> datetime | None:
    found = SECONDS.search(text)
    return datetime.fromtimestamp(int(found[0]), UTC) if found else None

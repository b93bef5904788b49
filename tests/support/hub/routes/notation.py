"""How the Hub writes times and the ids of things that are not git objects."""

from __future__ import annotations

import hashlib
from datetime import datetime


def time_text(time: datetime) -> str:
    """`2026-01-31T12:00:00.000Z`"""
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03}Z"


def hub_id(kind: str, name: str) -> str:
    """24 hexadecimal digits, always the same for the same thing."""
    return hashlib.sha256(f"{kind} {name}".encode()).hexdigest()[:24]

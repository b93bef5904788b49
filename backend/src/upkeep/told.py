"""What the person who imports files says about all of them, and how a file is refused."""

from __future__ import annotations

from dataclasses import dataclass

from src.shared.errors import LeaderboardError


class Refused(LeaderboardError):
    """A file is not imported; the message is the reason, as the end of a sentence."""


@dataclass(frozen=True)
class Told:
    """What the person who imports says about all the files, because they do not say it themselves."""

    model: str = ""
    commit: str = ""
    precision: str = ""
    base_model: str = ""
    base_revision: str = "main"
    allow_limit: bool = False
    allow_scale: bool = False

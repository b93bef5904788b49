"""The statements of a person about all files of an import, and the refusal of a file."""

from __future__ import annotations

from dataclasses import dataclass

from src.shared.errors import LeaderboardError


class Refused(LeaderboardError):
    """A file is not imported; the message is the reason, as the end of a sentence."""


@dataclass(frozen=True)
class Stated:
    """The facts about all files that the person states, because the files do not."""

    model: str = ""
    commit: str = ""
    precision: str = ""
    base_model: str = ""
    base_revision: str = "main"
    allow_limit: bool = False
    allow_scale: bool = False

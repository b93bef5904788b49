"""A whole leaderboard that runs on this machine, as the tests see it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from local_leaderboard import ROOT, Space
from visitor import Visitor

BACKEND_PYTHON = str(ROOT / ".venv" / "backend" / "bin" / "python")


@dataclass(frozen=True)
class Leaderboard:
    """Its data folder and its two Spaces."""

    data: Path
    frontend: Space
    backend: Space

    @property
    def visitor(self) -> Visitor:
        return Visitor(self.frontend.url)

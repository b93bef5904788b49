"""What the frontend's tests share."""

from pathlib import Path

import pytest

from support.boards import Leaderboard


@pytest.fixture
def leaderboard(tmp_path: Path) -> Leaderboard:
    """An empty leaderboard in a folder of its own."""
    return Leaderboard(tmp_path / "data")

"""What the backend's tests share."""

from pathlib import Path

import pytest

from support.queues import Queue


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    """An empty queue in a folder of its own."""
    return Queue(tmp_path / "data")

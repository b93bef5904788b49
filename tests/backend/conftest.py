"""What the backend's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from src.running.child_environment import clean_environment
from src.running.launchers import Launcher
from src.running.suite import Suite
from src.running.warm_launcher import WarmLauncher
from support.jobs import TASKS, make_job
from support.queues import Queue


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    """An empty queue in a folder of its own."""
    return Queue(tmp_path / "data")


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """One warm parent for all: a program imports for seconds, a fork begins at once. Use it in the Space's
    folder, where the tasks' questions are.
    """
    folder = tmp_path_factory.mktemp("warm")
    suite = Suite(tasks=make_job("").tasks, tasks_dir=str(TASKS))
    launcher = WarmLauncher(clean_environment(folder), suite, folder)
    yield launcher
    launcher.close()

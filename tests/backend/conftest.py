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
from support.sources import ROOT


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


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tasks folder of a backend without tasks, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tasks").mkdir()
    return tmp_path / "tasks"


@pytest.fixture
def quiet_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of one's own for the questions of trials, and no bars of progress."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture
def in_the_backends_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Space's folder, where the worker runs and from where the task files name their questions."""
    monkeypatch.chdir(ROOT / "backend")


@pytest.fixture
def random_numbers() -> Iterator[None]:
    """PyTorch's random numbers of one's own: lm_eval sets the seeds of the process that it runs in."""
    import torch

    with torch.random.fork_rng():
        yield

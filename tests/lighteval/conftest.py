"""What the tests of lighteval share. They run in its own environment: `make test-lighteval`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from support.sources import ROOT
from support.tiny_model import make_tiny_model


@pytest.fixture(autouse=True)
def in_the_folder_of_the_space(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the worker runs."""
    monkeypatch.chdir(ROOT / "backend")


@pytest.fixture(autouse=True)
def random_numbers() -> Iterator[None]:
    """lighteval sets the seeds of the process that it runs in, and turns gradients off."""
    with torch.random.fork_rng(), torch.no_grad():
        yield


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "models" / "good")

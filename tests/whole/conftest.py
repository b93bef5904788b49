"""A whole leaderboard on this machine for the tests, and a browser to look at it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from local_leaderboard import ROOT, running
from support.leaderboard import BACKEND_PYTHON, Leaderboard

MODELS = ["demo/adder-novice", "demo/adder-half", "demo/copier"]
DEBIAN_CHROMIUM = Path("/usr/bin/chromium")
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Demo models that train in a moment."""
    folder = tmp_path_factory.mktemp("models")
    command = [BACKEND_PYTHON, str(ROOT / "scripts" / "make_models.py"), str(folder), *MODELS]
    subprocess.run(command, check=True)
    return folder


@pytest.fixture(scope="session")
def leaderboard(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Leaderboard]:
    """Both Spaces as processes on one empty data folder."""
    data = tmp_path_factory.mktemp("data")
    (data / "models").symlink_to(models)
    with running(data, REFRESH_RATE="0.5", LEASE_MINUTES="1", HF_HUB_OFFLINE="1") as spaces:
        yield Leaderboard(data, spaces["frontend"], spaces["backend"])


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, else Playwright's own."""
    with sync_playwright() as playwright:
        path = DEBIAN_CHROMIUM if DEBIAN_CHROMIUM.exists() else None
        try:
            browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        except Error as error:
            pytest.skip(
                f"no browser ({error.message.splitlines()[0]}): .venv/dev/bin/playwright install chromium"
            )
        yield browser
        browser.close()

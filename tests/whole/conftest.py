"""A whole leaderboard on this machine for the tests, and a browser to look at it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, expect, sync_playwright

from local_leaderboard import ROOT
from support.leaderboard import (
    BACKEND_PYTHON,
    Leaderboard,
    leaderboard_in_a_folder,
    leaderboard_on_a_hub,
)

TRAINED = "demo/adder-novice"
COPIES = ("demo/second", "demo/third", "demo/fourth")
DEBIAN_CHROMIUM = Path("/usr/bin/chromium")
PATIENCE = 180_000
"""Milliseconds for what a page is expected to show or to let one do: a busy machine takes its time."""

QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo model that trains in a moment, others with its weights, and one whose weights are cut off."""
    folder = tmp_path_factory.mktemp("models")
    command = [BACKEND_PYTHON, str(ROOT / "scripts" / "make_models.py"), str(folder), TRAINED]
    subprocess.run(command, check=True)
    for name in COPIES:
        shutil.copytree(folder / TRAINED, folder / name)
    broken = shutil.copytree(folder / TRAINED, folder / "demo" / "broken")
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    return folder


@pytest.fixture(
    scope="session",
    params=[leaderboard_in_a_folder, pytest.param(leaderboard_on_a_hub, marks=pytest.mark.slow)],
)
def leaderboard(
    request: pytest.FixtureRequest, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Leaderboard]:
    """Both Spaces as processes, with their data in a folder and with it on a Hub."""
    with request.param(tmp_path_factory.mktemp("data"), models) as leaderboard:
        yield leaderboard


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, else Playwright's own."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        path = DEBIAN_CHROMIUM if DEBIAN_CHROMIUM.exists() else None
        try:
            browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        except Error as error:
            pytest.skip(
                f"no browser ({error.message.splitlines()[0]}): .venv/dev/bin/playwright install chromium"
            )
        browser.on("context", lambda context: context.set_default_timeout(PATIENCE))
        yield browser
        browser.close()

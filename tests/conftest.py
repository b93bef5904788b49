"""What every test run needs: an environment without accounts, and in CI no test that skips silently."""

import os
import shutil
import sys
import tempfile
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

EVERYWHERE = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_XET": "1",  # the Hub in tests/support speaks Git LFS
    "OMP_NUM_THREADS": "1",  # suites run side by side, and threads that wait for a processor slow all down
}
SETTINGS_OF_THE_DEVELOPER = [
    "HF_ENDPOINT",
    "HF_READ_TOKEN",
    "HF_TOKEN",
    "HF_TOKEN_PATH",
    "HUGGING_FACE_HUB_TOKEN",
    "LEADERBOARD_DATA_DIR",
    "OWNER",
    "SPACE_ID",
    "WORKER_ID",
]


# At once, and not in a hook: the conftest files in the folders below import what reads these.
for name in SETTINGS_OF_THE_DEVELOPER:
    os.environ.pop(name, None)
os.environ.update(EVERYWHERE, HF_HOME=tempfile.mkdtemp(prefix="hf-home-"))

# How long an example takes says more about the machine than about the code.
settings.register_profile(
    "any speed", parent=settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any speed")


def pytest_unconfigure() -> None:
    """Remove the home that the libraries were given."""
    shutil.rmtree(os.environ["HF_HOME"], ignore_errors=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """`make test PYTEST_ARGS="-k claim"` starts three runs: one that has no such test has not failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and reporter and reporter.stats.get("deselected"):
        session.exitstatus = pytest.ExitCode.OK


def failed_if_skipped_in_ci(report: Any) -> Any:
    """In CI everything can be installed, so what a skip would hide is a failure there."""
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        _, _, reason = report.longrepr
        report.outcome = "failed"
        report.longrepr = f"In CI no test may skip. {reason}"
    return report


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who loses against another writer tries again at once: in a test nobody gains by waiting."""
    if "src.shared.stores.conflicts" in sys.modules:
        monkeypatch.setattr("src.shared.stores.conflicts.LONGEST_PAUSE_SECONDS", 0.01)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Of a test that skips."""
    return failed_if_skipped_in_ci((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """Of a module that skips as a whole."""
    return failed_if_skipped_in_ci((yield))

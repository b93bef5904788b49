"""The versions that a score depends on, and those that its report names."""

from __future__ import annotations

import platform
from importlib.metadata import version

from src.shared.version import VERSION

PACKAGES = ("lm_eval", "transformers", "torch", "datasets")

ADDED_PACKAGES = ("torch", "datasets", "accelerate")
"""lm_eval's report names its own version and that of transformers."""

TEMPLATE = "leaderboard-template"


def versions() -> dict[str, str]:
    """Return the versions of these packages and of Python."""
    return {**_of(PACKAGES), "python": platform.python_version()}


def added_versions() -> dict[str, str]:
    """Return the versions that we add to a report: of these packages, of Python and of this template."""
    return {**_of(ADDED_PACKAGES), "python": platform.python_version(), TEMPLATE: VERSION}


def _of(packages: tuple[str, ...]) -> dict[str, str]:
    return {each: version(each) for each in packages}

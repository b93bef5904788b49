"""The versions that a score depends on, and those that its report names."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import version

from src.shared.version import VERSION

TEMPLATE = "leaderboard-template"


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of these packages and of Python."""
    return {**{each: version(each) for each in packages}, "python": platform.python_version()}


def added_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions that we add to a report: of these packages, of Python and of this template."""
    return {**versions(packages), TEMPLATE: VERSION}

"""The versions that a score depends on."""

from __future__ import annotations

import platform
from importlib.metadata import version

PACKAGES = ("lm_eval", "transformers", "torch", "datasets")


def versions() -> dict[str, str]:
    """Return the versions of these packages and of Python."""
    return {**{each: version(each) for each in PACKAGES}, "python": platform.python_version()}

"""The environment in which our scripts run git: without what leads it to another repository."""

from __future__ import annotations

import os

SET_BY_HOOKS = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
)
"""Variables that a hook sets, and that would make git answer for the hook's repository."""


def git_environment() -> dict[str, str]:
    """Return this process's environment, in which git works on the folder that it runs in."""
    return {name: value for name, value in os.environ.items() if name not in SET_BY_HOOKS}

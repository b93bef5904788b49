"""The files of the leaderboard's own tasks: whether any has changed, and a fingerprint of what they say."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from src.suite import Suite

FORMAT = 1
"""Raise it when a trial finds more than before: then suites that passed are tried again."""

PACKAGES = ("lm_eval", "datasets", "transformers")

IGNORED = {"__pycache__", ".ipynb_checkpoints"}
"""Folders in which lm_eval looks for no tasks either."""

WITHOUT_EFFECT = ("batch_size", "bootstrap_iters", "device", "limit", "tasks_dir")
"""Settings of a suite that change nothing about whether its tasks can be evaluated."""

VARIABLES = ("HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
"""Where the questions come from, and whether they can be had."""

Stamp = tuple[tuple[str, int, int], ...]
"""The path, the time of change and the size of each file."""


def stamp(folder: str) -> Stamp:
    """Look at the files without reading them: when it is the same as before, so are they."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - IGNORED)
        for name in sorted(files):
            path = Path(place, name)
            try:
                status = path.stat()
            except OSError:  # it was removed a moment ago
                continue
            found.append((path.relative_to(folder).as_posix(), status.st_mtime_ns, status.st_size))
    return tuple(found)


def fingerprint(suite: Suite, files: Stamp) -> str:
    """Everything that decides whether a suite can be evaluated: its files, its settings and the versions."""
    settings = {name: value for name, value in asdict(suite).items() if name not in WITHOUT_EFFECT}
    facts: Mapping[str, object] = {
        "format": FORMAT,
        "files": [[name, _digest(suite.tasks_dir, name, changed, size)] for name, changed, size in files],
        "settings": settings,
        "variables": {name: os.environ.get(name, "") for name in VARIABLES},
        "versions": {name: version(name) for name in PACKAGES},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=100_000)
def _digest(folder: str, name: str, changed: int, size: int) -> str:
    """The hash of one file's content; a file is read again only once it has changed."""
    try:
        with Path(folder, name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""

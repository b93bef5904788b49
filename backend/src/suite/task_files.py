"""The files of the leaderboard's own tasks: whether any has changed, and a fingerprint of their content."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from stat import S_ISREG

from src.running.suite import Suite

FORMAT = 2
"""Increase it when a trial finds more than before, so that suites that passed are tried again."""

IGNORED = {"__pycache__", ".ipynb_checkpoints"}
"""Folders that lm_eval also ignores."""

WITHOUT_EFFECT = ("batch_size", "bootstrap_iters", "device", "limit", "save_samples", "tasks_dir")
"""Settings of a suite that do not affect whether its tasks can be evaluated."""

VARIABLES = ("HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
"""Variables that decide where questions come from, and whether they can be fetched."""

OF_QUESTIONS = {".jsonl", ".json", ".csv", ".parquet", ".arrow", ".txt", ".tsv"}

WORD = re.compile(r"[^\s\"'\[\]{},]+")

Stamp = tuple[tuple[str, int, int], ...]
"""The path, modification time and size of each file."""


def stamp(folder: str) -> Stamp:
    """Return the stamp of a folder's files, without reading them. The same stamp means the same files.

    It includes files of questions outside the folder that a task names.
    """
    found: dict[str, tuple[int, int]] = {}
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - IGNORED)
        for name in sorted(files):
            path = Path(place, name)
            try:
                status = path.stat()
            except OSError:  # it was removed a moment ago
                continue
            found[path.relative_to(folder).as_posix()] = (status.st_mtime_ns, status.st_size)
            if path.suffix == ".yaml":
                found |= _elsewhere(named_files(str(path), status.st_mtime_ns), Path(folder))
    return tuple((name, changed, size) for name, (changed, size) in found.items())


def _elsewhere(names: tuple[str, ...], folder: Path) -> dict[str, tuple[int, int]]:
    """Return those of the named files that exist outside the folder."""
    found = {}
    for name in names:
        path = Path(name)
        try:
            status = path.stat()
        except (OSError, ValueError):
            continue
        if S_ISREG(status.st_mode) and not path.resolve().is_relative_to(folder.resolve()):
            found[name] = (status.st_mtime_ns, status.st_size)
    return found


@lru_cache(maxsize=100_000)
def named_files(task_file: str, changed: int) -> tuple[str, ...]:
    """Return the words in a task's file that may be files of questions, relative to the current folder."""
    try:
        text = Path(task_file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    return tuple(sorted({word for word in WORD.findall(text) if Path(word).suffix in OF_QUESTIONS}))


def fingerprint(suite: Suite, files: Stamp) -> str:
    """Return a fingerprint of what decides whether a suite can be evaluated: files, settings and versions."""
    settings = {name: value for name, value in asdict(suite).items() if name not in WITHOUT_EFFECT}
    facts: Mapping[str, object] = {
        "format": FORMAT,
        "files": [[name, _digest(suite.tasks_dir, name, changed, size)] for name, changed, size in files],
        "settings": settings,
        "variables": {name: os.environ.get(name, "") for name in VARIABLES},
        "versions": {name: version(name) for name in suite.packages},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=100_000)
def _digest(folder: str, name: str, changed: int, size: int) -> str:
    """Return the hash of a file's content. A file is read again only after it has changed."""
    try:
        file = Path(folder, name)
        with (file if file.is_file() else Path(name)).open("rb") as file_there:
            return hashlib.file_digest(file_there, "sha256").hexdigest()
    except OSError:
        return ""

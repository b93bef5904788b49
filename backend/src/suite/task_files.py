"""The files of the leaderboard's own tasks: whether any has changed, and a fingerprint of what they say."""

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

FORMAT = 1
"""Raise it when a trial finds more than before: then suites that passed are tried again."""

PACKAGES = ("lm_eval", "datasets", "transformers")

IGNORED = {"__pycache__", ".ipynb_checkpoints"}
"""Folders in which lm_eval looks for no tasks either."""

WITHOUT_EFFECT = ("batch_size", "bootstrap_iters", "device", "limit", "tasks_dir")
"""Settings of a suite that change nothing about whether its tasks can be evaluated."""

VARIABLES = ("HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
"""Where the questions come from, and whether they can be had."""

OF_QUESTIONS = {".jsonl", ".json", ".csv", ".parquet", ".arrow", ".txt", ".tsv"}

WORD = re.compile(r"[^\s\"'\[\]{},]+")

Stamp = tuple[tuple[str, int, int], ...]
"""The path, the time of change and the size of each file."""


def stamp(folder: str) -> Stamp:
    """Look at the files without reading them: when it is the same as before, so are they.

    The files of questions elsewhere that a task names are among them.
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
    """Those of some files that are there and do not lie in the folder, as they are named from it."""
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
    """What may be a file of questions, of the words in a task's file; their way begins at this folder."""
    try:
        text = Path(task_file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    return tuple(sorted({word for word in WORD.findall(text) if Path(word).suffix in OF_QUESTIONS}))


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
        file = Path(folder, name)
        with (file if file.is_file() else Path(name)).open("rb") as file_there:
            return hashlib.file_digest(file_there, "sha256").hexdigest()
    except OSError:
        return ""

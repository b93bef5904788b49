"""Faults as sentences for the owner, who knows files by their place in the Space, not on this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import datasets

from src.evaluation.lm_eval.description import published_path
from src.evaluation.lm_eval.tasks.configs import named
from src.evaluation.lm_eval.tasks.task_yaml import Place
from src.evaluation.lm_eval.trial.faults import Explained
from src.evaluation.own_tasks import include_path
from src.running.suite import Suite


def sentences(name: str, faults: Sequence[Explained], suite: Suite) -> list[str]:
    """Return a sentence for each fault of one name. A fault that several tasks share appears once."""
    found: dict[tuple[str, Place | None], str] = {}
    for leaf, fault in faults:
        place = place_text(fault.place, suite)
        where = ", ".join(filter(None, [place, f"`{fault.field}`" if fault.field else ""]))
        kind = "group" if "group" in leaf.config else "task"
        sentence = f"The {kind} {named(leaf, name)} {fault.what}{f' ({where})' if where else ''}: {fault.do}."
        found.setdefault((fault.what, fault.place), sentence)
    return list(found.values())


def without_folders(sentence: str, suite: Suite) -> str:
    """Remove this machine's folders, which an error may have named, from a sentence."""
    tasks = Path(suite.tasks_dir).resolve()
    known = {f"{tasks}/": f"{include_path(suite)}/"}
    known |= {
        f"{folder}/": ""
        for folder in (Path.cwd(), sys.prefix, datasets.config.HF_CACHE_HOME, Path.home())
        if folder and str(folder) != "/"
    }
    for folder, name in known.items():
        sentence = sentence.replace(folder, name)
    return sentence


def place_text(place: Place | None, suite: Suite) -> str:
    """Return a file and line as the owner knows them, without this machine's folders."""
    if place is None:
        return ""
    line = f", line {place.line}" if place.line else ""
    return f"{shown_file(place.file, suite)}{line}"


def shown_file(file: Path, suite: Suite) -> str:
    """Return a file's path from the backend's folder or lm_eval's, or only its name if it is elsewhere."""
    if known := published_path(file, suite):
        return known
    here = Path.cwd()
    return file.resolve().relative_to(here).as_posix() if file.resolve().is_relative_to(here) else file.name

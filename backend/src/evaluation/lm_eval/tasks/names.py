"""The names of tasks and groups in the tasks folder: two files for one name, and names that are not text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

from src.evaluation.lm_eval.tasks.configs import groups_in, leaves
from src.evaluation.lm_eval.tasks.task_yaml import IGNORED, Place, place_of
from src.running.suite import Suite


def name_problems(suite: Suite, index: TaskManager | None) -> Iterator[str]:
    """Yield the problems of names in the tasks folder: not text, or in two files and used by the suite."""
    places: dict[str, list[str]] = {}
    for name, place in named_in(Path(suite.tasks_dir)):
        shown = f"{place.file.name}, line {place.line}"
        if not isinstance(name, str):
            yield f"The task file {shown}, has the name {name!r}, which is not text: put it in quotes."
        else:
            places.setdefault(name, []).append(shown)
    used = {*suite.tasks}
    for name in suite.tasks if index else ():
        used |= {*(leaf.name for leaf in leaves(name, index)), *groups_in(name, index)}
    for name in sorted(used & places.keys()):
        if len(places[name]) > 1:
            yield (
                f"The tasks folder has more than one file for {name}, and lm_eval uses only the first "
                f"({'; '.join(places[name])}): rename or delete the others."
            )


def named_in(folder: Path) -> Iterator[tuple[object, Place]]:
    """Yield the name of the task or group in each file that lm_eval can read, with its place."""
    for file in sorted(folder.rglob("*.yaml"), key=Path.as_posix):
        if IGNORED & set(file.parts):
            continue
        try:
            config = load_yaml(file, resolve_func=False)
        except (OSError, ValueError, yaml.YAMLError, TypeError, AttributeError):
            continue
        key = "group" if "group" in config and "class" not in config else "task"
        if config.get(key) is not None:
            yield config[key], place_of(file, key) or Place(file, 1)
        for tag in config["tag"] if isinstance(config.get("tag"), list) else [config.get("tag")]:
            if tag is not None and not isinstance(tag, str):
                yield tag, place_of(file, "tag") or Place(file, 1)

"""The Python beside a task's file: names that do not exist, and a `process_docs` that gives no dataset."""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
from lm_eval.api.task import ConfigurableTask
from lm_eval.tasks._yaml_loader import _load_module_with_cache

from src.evaluation.errors import ANY_ERROR, last_line
from src.evaluation.lm_eval.tasks.configs import SPLITS, Leaf
from src.evaluation.lm_eval.tasks.own_rows import KINDS, BadRow, place_of_row
from src.evaluation.lm_eval.tasks.task_yaml import functions_in
from src.evaluation.lm_eval.trial.blame import fault_of_row
from src.evaluation.lm_eval.trial.faults import Fault, did_you_mean, fault_at

FIELD = "process_docs"


def misnamed_code(leaf: Leaf) -> Iterator[Fault]:
    """Yield the faults of each `!function` that names a file or a function which does not exist."""
    for place, field, name in functions_in(leaf.file):
        module, _, function = name.rpartition(".")
        file = place.file.parent / f"{module.replace('.', '/')}.py"
        if not module:
            what = f"has `!function {name}`, which names no file"
            yield Fault(what, place, field, "write `!function file.function`")
        elif file.is_file():
            names = names_of(file)
            if names is not None and function not in names:
                close = did_you_mean(function, names)
                yield Fault(
                    f"uses the function `{function}`, which {file.name} does not have{close}", place, field
                )
        elif not is_importable(module):
            close = did_you_mean(module, [each.stem for each in place.file.parent.glob("*.py")])
            yield Fault(f"uses code in a file that does not exist, {file.name}{close}", place, field)


def names_of(file: Path) -> list[str] | None:
    """Return the names that a file of Python has; None if it cannot be imported, which shows later."""
    try:
        return dir(_load_module_with_cache(file.resolve()))
    except ANY_ERROR:
        return None


def is_importable(module: str) -> bool:
    """Return whether a package has this module."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return bool(importlib.util.find_spec(module.partition(".")[0]))


def process_docs_fault(error: BaseException, leaf: Leaf) -> Fault | None:
    """Return the fault of a `process_docs` that fails on one row, or returns no dataset."""
    function, dataset = _used_by(error)
    for split in _splits(leaf) if function and dataset else ():
        if split not in dataset:
            continue
        try:
            rows = function(dataset[split])
        except ANY_ERROR as failure:
            number = failing_row(function, dataset[split])
            if number is None:
                return None
            config = {key: value for key, value in leaf.config.items() if key != FIELD}
            place = place_of_row(replace(leaf, config=config), split, number, dataset[split][number])
            return fault_of_row(BadRow(place, f"its `{FIELD}` fails ({last_line(failure)})", FIELD))
        if not isinstance(rows, datasets.Dataset):
            kind = KINDS.get(type(rows), type(rows).__name__)
            do = "return `dataset.map(…)` or `datasets.Dataset.from_list(…)`"
            return fault_at(leaf, f"has a `{FIELD}` that returns {kind}, not a dataset", FIELD, do=do)
    return None


def _used_by(error: BaseException) -> tuple[Any, Any]:
    """Return the task's `process_docs` and its questions, if lm_eval had them when the error was raised."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        task = frame.f_locals.get("self")
        if isinstance(task, ConfigurableTask) and callable(task.config.process_docs):
            return task.config.process_docs, getattr(task, "dataset", None)
    return None, None


def _splits(leaf: Leaf) -> Sequence[str]:
    named = map(leaf.config.get, SPLITS)
    return [each for each in named if isinstance(each, str)]


def failing_row(function: Callable[[Any], Any], rows: Any) -> int | None:
    """Return the number of the only row that a function fails on; None if there are more."""

    def fails(numbers: Sequence[int]) -> bool:
        try:
            function(rows.select(numbers))
        except ANY_ERROR:
            return True
        return False

    first, last = 0, len(rows)
    while last - first > 1:
        middle = (first + last) // 2
        if fails(range(first, middle)):
            last = middle
        else:
            first = middle
    others = [number for number in range(len(rows)) if number != first]
    return first if others and fails([first]) and not fails(others) else None

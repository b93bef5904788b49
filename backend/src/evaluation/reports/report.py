"""Prepares what an engine computed for publication: strict JSON, without what stays on the worker."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from src.running.job import Job

Report = dict[str, Any]
"""What an engine returns: sections by task, the configuration, versions. Its shape is the engine's."""

TIME = "total_evaluation_time_seconds"

NOT_PUBLISHED = {
    "samples",  # As large as the questions, which may not be ours to publish.
    "pretty_env_info",  # The processors, drivers and packages of the worker's machine.
}


def sha256(text: str) -> str:
    """Return the hexadecimal digest of a text, the form of lm_eval's fingerprints."""
    return hashlib.sha256(text.encode()).hexdigest()


def names_for_paths(job: Job, collections: Mapping[str, str]) -> dict[str, str]:
    """Return the names that replace this machine's folders in a report. Names on the Hub stay as they are.

    `collections` has the folders of the engine's own tasks, with their names.
    """
    folders = {job.tasks_dir: "tasks", **collections}
    folders |= {part.weights: part.model for part in job.parts if Path(part.weights).is_absolute()}
    return names_of_folders(folders)


def names_of_folders(folders: Mapping[str, str]) -> dict[str, str]:
    """Return the names of folders by each form in which a text may name one: as given, and without links."""
    return {
        str(form): name
        for folder, name in folders.items()
        for form in {Path(folder).absolute(), Path(folder).resolve()}
    }


def joined(reports: Sequence[Report], sections: Iterable[str]) -> Report:
    """Return the first of the reports, with these sections, which are by task, of all of them."""
    whole = dict(reports[0])
    for section in sections:
        parts = [report[section] for report in reports if section in report]
        if parts:
            whole[section] = {name: value for part in parts for name, value in part.items()}
    return whole


def publishable(report: Report, names: Mapping[str, str]) -> Report:
    """Return the report without what stays on the worker, as values of strict JSON.

    `names` maps paths of this machine to the text that replaces them.
    """
    longest_first = dict(sorted(names.items(), key=lambda item: -len(item[0])))
    return {key: _plain(value, longest_first) for key, value in report.items() if key not in NOT_PUBLISHED}


def _plain(value: Any, names: Mapping[str, str]) -> Any:
    match value:
        case None | bool() | int():
            return value
        case float():
            return float(value) if math.isfinite(value) else None
        case Mapping():
            return {_plain(str(key), names): _plain(item, names) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(item, names) for item in value]
    if hasattr(value, "item"):  # A number of NumPy or PyTorch.
        return _plain(value.item(), names)
    text = str(value)
    for path, name in names.items():
        text = text.replace(path, name)
    return text

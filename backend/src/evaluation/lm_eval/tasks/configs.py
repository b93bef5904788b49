"""Reads lm_eval's configuration files of tasks and groups, without loading their questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import lm_eval.api.metrics  # noqa: F401  # It fills the registries.
from lm_eval.api.registry import DEFAULT_METRIC_REGISTRY, is_higher_better
from lm_eval.config.group import GroupConfig
from lm_eval.tasks import TaskManager

from src.shared.data.backend_description import Metric
from src.shared.data.json_file import as_number, as_object, as_text

Config = Mapping[str, Any]
"""A configuration file with its includes. The keys are lm_eval's, and a `!function` is a text."""

Entry = Any
"""lm_eval's index entry for a name: the configuration, its file, and for a tag the names of its tasks."""

WRITES = "generate_until"
"""lm_eval's `output_type` of tasks that have a model write."""

NO_FILTER = "none"
LOCAL_LOADERS = {"arrow", "csv", "json", "parquet", "text"}
"""The values of `dataset_path` for questions in files that the task names."""

SPLITS = ("test_split", "validation_split", "training_split", "fewshot_split")
"""The settings that name a part of the questions."""

FIELDS_OF_A_GROUP = {each.name for each in fields(GroupConfig)}


@dataclass(frozen=True)
class Leaf:
    """A single task, named directly or as a part of a group."""

    name: str
    config: Config
    """Its settings, after those of its group are applied."""
    file: Path | None

    @property
    def is_found(self) -> bool:
        """Whether it has a file, or is defined in its group's file."""
        return self.file is not None or "dataset_path" in self.config

    @property
    def runs_the_models_code(self) -> bool:
        """Whether it executes what the model writes."""
        return self.config.get("unsafe_code", False) is not False

    @property
    def kind(self) -> str | None:
        """lm_eval's `output_type`; None for a task written in Python, whose file does not name it."""
        return None if "class" in self.config else as_text(self.config.get("output_type", WRITES))

    @property
    def metrics(self) -> list[Metric]:
        """Every metric with every filter. Without a list, lm_eval has default metrics for each kind.

        Leave out invalid entries; the trial reports them.
        """
        default = [{"metric": name} for name in DEFAULT_METRIC_REGISTRY.get(self.kind, [])]
        listed = default if self.config.get("metric_list") is None else self.config["metric_list"]
        filters = _texts(self.config.get("filter_list"), "name") or [NO_FILTER]
        found = []
        for metric in _listed(listed) if self.kind else []:
            for name in map(_name_of, _texts(metric, "metric")):
                up = metric.get("higher_is_better", is_higher_better(name))
                up = up if isinstance(up, bool) else None
                found += [Metric(key=f"{name},{each}", higher_is_better=up) for each in filters]
        return found

    @property
    def datasets(self) -> list[str]:
        """The datasets on the Hub, or the URLs, from which the questions come."""
        path = as_text(self.config.get("dataset_path"))
        if path in LOCAL_LOADERS:
            return [file for file in self._data_files if "://" in file]
        is_here = not path or Path(path).is_absolute() or Path(path).exists()
        return [] if is_here else [path]

    @property
    def local_files(self) -> list[str]:
        """The local files of questions, of all splits, without patterns."""
        if self.config.get("dataset_path") not in LOCAL_LOADERS:
            return []
        return [file for file in self._data_files if "://" not in file and "*" not in file]

    @property
    def missing_files(self) -> Iterator[str]:
        """The named files of questions that do not exist."""
        return (file for file in self.local_files if not Path(file).exists())

    def is_in(self, folder: Path) -> bool:
        """Return whether its file is in this folder, such as that of the owner's tasks."""
        return self.file is not None and is_below(self.file, folder)

    def keys_of(self, file: str) -> tuple[str, ...]:
        """Return the keys below `data_files` that lead to a file of questions."""
        named = as_object(self._named_files)
        return next(((split,) for split, files in named.items() if file in _listed(files)), ())

    @property
    def named_splits(self) -> list[str]:
        """The splits for which the task names files. Files without a split form the split `train`."""
        if self.config.get("dataset_path") not in LOCAL_LOADERS or not self._named_files:
            return []
        return list(self._named_files) if isinstance(self._named_files, Mapping) else ["train"]

    @property
    def questions(self) -> int | None:
        """The number of questions, if counting the lines of a file gives it."""
        split = as_text(self.config.get("test_split") or self.config.get("validation_split"))
        file = as_object(self._named_files).get(split)
        if not isinstance(file, str) or not file.endswith(".jsonl") or "process_docs" in self.config:
            return None
        try:
            return sum(1 for line in Path(file).read_bytes().splitlines() if line.strip())
        except OSError:
            return None

    def fewshot(self, given: int | None) -> int:
        """Return how many examples lm_eval uses for this number. A 0 in the task's file takes precedence."""
        own = self.config.get("num_fewshot")
        if given is None:
            return own if isinstance(own, int) and own > 0 else 0
        return 0 if own == 0 else given

    @property
    def _named_files(self) -> object:
        return as_object(self.config.get("dataset_kwargs")).get("data_files")

    @property
    def _data_files(self) -> list[str]:
        named = self._named_files
        splits = list(named.values()) if isinstance(named, Mapping) else [named]
        return [file for split in splits for file in _listed(split) if isinstance(file, str)]


def is_below(file: Path, folder: Path) -> bool:
    """Return whether a file is in a folder, at any depth."""
    return file.resolve().is_relative_to(folder.resolve())


def is_group(entry: Entry) -> bool:
    """Return whether the name is that of a group, whose tasks have a common score."""
    return bool(entry.cfg and "group" in entry.cfg and "class" not in entry.cfg)


def is_tag(entry: Entry) -> bool:
    """Return whether the name is that of a tag, which only stands for several tasks."""
    return entry.cfg is None


def leaves(
    name: str, tasks: TaskManager, changes: Config | None = None, *, above: frozenset[str] = frozenset()
) -> Iterator[Leaf]:
    """Yield the single tasks that a name stands for, as lm_eval builds them.

    `changes` take precedence over the settings in their files. A group that contains itself, at any depth,
    is left out there: `above` are the groups that lead to this name.
    """
    entry = tasks.task_index.get(name)
    if entry is None:
        yield Leaf(name, changes or {}, None)
    elif is_tag(entry):
        for task in sorted(entry.tags - above):
            yield from leaves(task, tasks, changes, above=above)
    elif is_group(entry):
        if name not in above:
            yield from _members(entry.cfg, tasks, changes, above | {name})
    else:
        yield Leaf(name, {**entry.cfg, **(changes or {})}, entry.yaml_path)


def named(leaf: Leaf, name: str) -> str:
    """Return how a sentence names a single task that was configured by this name."""
    return leaf.name if leaf.name == name else f"{leaf.name}, which {name} stands for,"


def groups_in(name: str, tasks: TaskManager, above: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the groups within a group that have their own names, at any depth."""
    above |= {name}
    for part in members(tasks.task_index.get(name)):
        if part in tasks.task_index and is_group(tasks.task_index[part]) and part not in above:
            yield part
            yield from groups_in(part, tasks, above)


def members(entry: Entry) -> Iterator[str]:
    """Yield the names that a group's file has for its tasks and groups."""
    for member in _listed(entry.cfg.get("task")) if entry and is_group(entry) else []:
        given = as_object(member)
        yield member if isinstance(member, str) else as_text(given.get("group") or given.get("task"))


def group_metrics(group: Config, of_parts: Iterable[Metric]) -> list[Metric]:
    """Return the scores that a group aggregates, with every filter that its tasks have."""
    known = {metric.key: metric for metric in of_parts}
    found = []
    for wanted in map(as_object, _listed(group.get("aggregate_metric_list"))):
        filters = wanted.get("filter_list")
        for key in sorted(known):
            name, _, filter_name = key.partition(",")
            if name == wanted.get("metric") and (filters is None or filter_name in _listed(filters)):
                found.append(known[key])
    return found


def version(config: Config) -> str | None:
    """Return the version of a task or group, from its metadata."""
    known = as_object(config.get("metadata")).get("version")
    return None if known is None else str(known)


def random_baseline(config: Config) -> float | None:
    """Return the score of guessing, from its metadata."""
    return as_number(as_object(config.get("metadata")).get("random_baseline"))


def _members(
    group: Config, tasks: TaskManager, changes: Config | None, above: frozenset[str]
) -> Iterator[Leaf]:
    """Yield the tasks of a group, with the settings that the group passes on."""
    own = {key: value for key, value in group.items() if key not in FIELDS_OF_A_GROUP}
    changes = {**own, **(changes or {})}
    for member in _listed(group.get("task")):
        if isinstance(member, str):
            yield from leaves(member, tasks, changes, above=above)
        elif not isinstance(member, Mapping) or not {"task", "group"} & member.keys():
            continue  # the trial reports it
        elif "group" not in member:
            yield from leaves(as_text(member.get("task")), tasks, {**changes, **member}, above=above)
        elif member["group"] in tasks.task_index:
            rest = {key: value for key, value in member.items() if key != "group"}
            yield from leaves(member["group"], tasks, {**changes, **rest}, above=above)
        else:
            yield from _members(member, tasks, changes, above)


def _name_of(metric: str) -> str:
    """Return a metric's name, without the folder and module of an own function."""
    return metric.rpartition(".")[2] if "/" in metric else metric


def _listed(value: Any) -> list[Any]:
    """Return as a list what lm_eval accepts as one value or a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _texts(value: Any, key: str) -> list[str]:
    """Return the texts that a mapping, or each of several, has under a key."""
    return [text for each in _listed(value) if (text := as_text(as_object(each).get(key)))]

"""The files of the leaderboard's own groups: what lm_eval would ignore or fail on, and groups in a circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from lm_eval.config.group import AggMetricConfig
from lm_eval.tasks import TaskManager

from src.evaluation.lm_eval.tasks.configs import FIELDS_OF_A_GROUP, Config, Leaf, groups_in, is_group, members
from src.evaluation.lm_eval.tasks.task_yaml import place_of
from src.evaluation.lm_eval.trial.faults import Fault, did_you_mean, fault_at
from src.evaluation.lm_eval.trial.settings import KEYS, faults_in_changes

LIST = "aggregate_metric_list"

KEYS_OF_A_METRIC = {each.name for each in fields(AggMetricConfig)}


def faults_in_groups(name: str, index: TaskManager, folder: Path) -> Iterator[tuple[Leaf, Fault]]:
    """Yield the faults of the files of a group and of those within it, as far as they are in this folder."""
    entry = index.task_index.get(name)
    names = [name, *groups_in(name, index)] if entry and is_group(entry) else []
    for group in dict.fromkeys(names):
        entry = index.task_index[group]
        leaf = Leaf(group, entry.cfg, entry.yaml_path)
        if leaf.is_in(folder):
            for fault in (*_faults_of(leaf, entry.cfg, ()), *_circles(leaf, index)):
                yield leaf, fault


def _faults_of(leaf: Leaf, group: Config, keys: tuple[str | int, ...]) -> Iterator[Fault]:
    """Yield the faults of a group, or of one that is written at these keys of another's file."""
    known = {*FIELDS_OF_A_GROUP, *KEYS}
    unknown = [key for key in group if key not in known]
    for key in unknown:
        close = did_you_mean(key, known)
        what = f"has a setting that lm_eval does not know, `{key}`{close}"
        yield _placed(leaf, fault_at(leaf, what, str(key)), keys)
    if not (unknown and "task" not in group):
        yield from (_placed(leaf, fault, keys) for fault in _faults_of_members(leaf, group, keys))
    yield from (_placed(leaf, fault, keys) for fault in _faults_of_metrics(leaf, group))
    changes = {key: value for key, value in group.items() if key not in FIELDS_OF_A_GROUP}
    yield from (
        _placed(leaf, fault, keys) for fault in faults_in_changes(Leaf(leaf.name, changes, leaf.file))
    )


def _placed(leaf: Leaf, fault: Fault, keys: tuple[str | int, ...]) -> Fault:
    """Return the fault with its place below these keys."""
    place = place_of(leaf.file, *keys, fault.field or "") if keys and keys[-1] != fault.field else None
    return replace(fault, place=place) if place else fault


def _faults_of_members(leaf: Leaf, group: Config, keys: tuple[str | int, ...]) -> Iterator[Fault]:
    tasks = group.get("task")
    if not isinstance(tasks, list):
        what = "names no tasks" if tasks is None else f"has `task: {tasks}`, but lm_eval reads only a list"
        yield fault_at(leaf, what, "task", do="write `task:` and below it a line `- name` for each")
        return
    if not tasks:
        yield fault_at(leaf, "contains no task", "task", do="add one")
    for number, member in enumerate(tasks):
        at = (*keys, "task", number)
        if isinstance(member, Mapping) and "group" in member and "task" in member:
            yield from _faults_of(leaf, member, at)
        elif isinstance(member, Mapping) and ("task" in member or "group" in member):
            changes = {key: value for key, value in member.items() if key not in ("task", "group")}
            for fault in faults_in_changes(Leaf(leaf.name, changes, leaf.file)):
                yield _placed(leaf, fault, at)
        elif not isinstance(member, str):
            what = f"contains {member!r}, which is neither a task's name nor has a `task`"
            yield replace(fault_at(leaf, what, "task"), place=place_of(leaf.file, *at))


def _faults_of_metrics(leaf: Leaf, group: Config) -> Iterator[Fault]:
    metrics = group.get(LIST)
    if metrics is None:
        return
    listed = [metrics] if isinstance(metrics, Mapping) else metrics
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
        yield fault_at(leaf, f"has an `{LIST}` that is not a list of `- metric: …`", LIST)
        return
    for number, each in enumerate(listed):
        for key, what in _wrong_with(each):
            yield fault_at(leaf, f"aggregates a metric {what}", LIST, keys=(number, key))


def _wrong_with(metric: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the keys of an aggregated metric that are wrong, and what is wrong with them."""
    for key in metric.keys() - KEYS_OF_A_METRIC:
        yield key, f"with `{key}`, which lm_eval does not know{did_you_mean(key, KEYS_OF_A_METRIC)}"
    if not isinstance(metric.get("metric"), str) and metric.keys() <= KEYS_OF_A_METRIC:
        yield "metric", "without a name"
    aggregation = metric.get("aggregation", "mean")
    if aggregation != "mean" and "/" not in str(aggregation):
        yield "aggregation", f"by the {aggregation!r} of its tasks; lm_eval has only `mean`"
    filters = metric.get("filter_list")
    names = filters if isinstance(filters, list) else [filters]
    if filters is not None and not all(isinstance(each, str) for each in names):
        yield "filter_list", f"with the `filter_list` {filters!r}, which is not a list of names"
    if not isinstance(metric.get("weight_by_size", True), bool):
        yield (
            "weight_by_size",
            f"with `weight_by_size: {metric['weight_by_size']}`, which is neither true nor false",
        )


def _circles(leaf: Leaf, index: TaskManager) -> Iterator[Fault]:
    """Yield the fault of a group that contains itself, at any depth."""
    for number, member in enumerate(members(index.task_index[leaf.name])):
        if member == leaf.name:
            what = "contains itself"
        elif member in index.task_index and leaf.name in _all_within(member, index):
            what = f"contains {member}, which contains {leaf.name}"
        else:
            continue
        yield fault_at(leaf, what, "task", keys=(number,), do="remove it in one of the two files")


def _all_within(name: str, index: TaskManager) -> set[str]:
    """Return the names of all groups and tasks within a group."""
    seen: set[str] = set()
    left = [name]
    while left:
        for member in members(index.task_index.get(left.pop())):
            if member not in seen:
                seen.add(member)
                left.append(member)
    return seen

"""Finds the line of a setting in a task's YAML file, and the files that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml
from lm_eval.tasks._yaml_loader import load_yaml

MOST_INCLUDES = 20
"""How deep files may include each other before it counts as a cycle."""

NAME = re.compile(r"""^\s*(?:task|group|tag)\s*:\s*["']?([^\s"'#]+)""", re.MULTILINE)

IGNORED = {"__pycache__", ".ipynb_checkpoints"}


@dataclass(frozen=True)
class Place:
    """A line of a file. Lines are numbered from 1."""

    file: Path
    line: int | None = None


@dataclass(frozen=True)
class Broken:
    """A YAML file that cannot be read: where, and why."""

    place: Place
    reason: str


def place_of(file: Path | None, *keys: str | int) -> Place | None:
    """Find a value by the keys that lead to it, in this file or in those that it includes.

    Return the place of the last key that exists, or `None` if not even the first does.
    """
    return _place_of(file, keys, MOST_INCLUDES) if file else None


def _place_of(file: Path, keys: tuple[str | int, ...], includes: int) -> Place | None:
    node = _composed(file)
    if not isinstance(node, yaml.MappingNode):
        return None
    found = _value(node, keys[0]) if keys else None
    if found is not None:
        key, value = found
        return Place(file, _deepest(key, value, keys[1:]).start_mark.line + 1)
    included = _value(node, "include")
    for name in _texts(included[1]) if included and includes else []:
        if place := _place_of(file.parent / name, keys, includes - 1):
            return place
    return None


def _deepest(key: yaml.Node, value: yaml.Node, keys: tuple[str | int, ...]) -> yaml.Node:
    """Return the node of the last of the remaining keys that exists."""
    for each in keys:
        if isinstance(value, yaml.SequenceNode) and isinstance(each, int) and each < len(value.value):
            key = value = value.value[each]
        elif isinstance(value, yaml.MappingNode) and (found := _value(value, each)):
            key, value = found
        else:
            break
    return key


def functions_in(file: Path | None) -> Iterator[tuple[Place, str, str]]:
    """Yield each `!function` of a task's file and of those it includes: its place, its field and its name."""
    return _functions_in(file, MOST_INCLUDES) if file else iter(())


def _functions_in(file: Path, includes: int) -> Iterator[tuple[Place, str, str]]:
    node = _composed(file)
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        for each in _tagged(value):
            yield Place(file, each.start_mark.line + 1), str(key.value), str(each.value)
    included = _value(node, "include")
    for name in _texts(included[1]) if included and includes else []:
        yield from _functions_in(file.parent / name, includes - 1)


def _tagged(node: yaml.Node) -> Iterator[yaml.Node]:
    if node.tag == "!function":
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _tagged(each)
    elif isinstance(node, yaml.MappingNode):
        for _, each in node.value:
            yield from _tagged(each)


def _value(node: yaml.MappingNode, key: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    return next((pair for pair in node.value if pair[0].value == key), None)


def _texts(node: yaml.Node) -> list[str]:
    nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
    return [each.value for each in nodes if isinstance(each, yaml.ScalarNode)]


def _composed(file: Path) -> yaml.Node | None:
    try:
        return yaml.compose(
            file.read_bytes(), yaml.SafeLoader
        )  # tags are kept, but no objects are made from them
    except (OSError, ValueError, yaml.YAMLError):
        return None


def broken_files(folder: str) -> Iterator[Broken]:
    """Yield the task files of a folder that lm_eval silently leaves out because it cannot read them."""
    for file in sorted(Path(folder).rglob("*.yaml")):
        if not IGNORED & set(file.parts):
            try:
                load_yaml(file, resolve_func=False)
            except (OSError, ValueError, yaml.YAMLError, TypeError, AttributeError) as error:
                yield _broken(file, error)


def names_in(broken: Iterable[Broken]) -> set[str]:
    """Return the tasks, groups and tags that unreadable files probably define."""
    names = set()
    for each in broken:
        names.add(each.place.file.stem)
        with suppress(OSError):
            names.update(NAME.findall(each.place.file.read_text(encoding="utf-8", errors="replace")))
    return names


def _broken(file: Path, error: Exception) -> Broken:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        reason = " ".join((error.problem or "it cannot be read").split())
        if "'\\t'" in reason or " tab " in reason:
            reason = "found a tab; use spaces instead"
        at = Path(mark.name) if mark and Path(mark.name).is_file() else file
        return Broken(Place(at, mark.line + 1 if mark else None), f"it is not valid YAML: {reason}")
    if isinstance(error, FileNotFoundError):
        place = place_of(file, "include") or Place(file)
        return Broken(place, f"it includes a file that does not exist, {Path(error.filename or '?').name}")
    return Broken(Place(file), f"it cannot be read: {' '.join(str(error).split())}")

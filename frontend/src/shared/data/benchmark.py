"""Which scores of a report a column means: names of tasks and metrics are compared part by part, and whole.

lm_eval names a task in one word. lighteval and Open LLM Leaderboard v1 have `suite|task:subset|shots`, newer
versions of lighteval `task:subset|shots`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

SEPARATOR = "|"

AVERAGE = "_average"
"""lighteval's own mean over the subsets of a task, listed beside them."""

SUBJECT = re.compile(r"(hendrycksTest)-(\w+)", re.ASCII)
"""The names of MMLU's subsets in Open LLM Leaderboard v1; all its other tasks have a colon there."""


class Key(NamedTuple):
    """The name of a task in its parts. In a benchmark that an owner names, None stands for any."""

    suite: str | None
    task: str
    subset: str | None
    shots: int | None


class MixedSettings(NamedTuple):
    """Keys that a benchmark means and that differ in suite or shots: they are different things."""

    keys: tuple[str, ...]


def key_of(text: str) -> Key | None:
    """Return the parts of a task's name; None when it has more parts than any."""
    parts = text.split(SEPARATOR)
    shots = int(parts[-1]) if len(parts) > 1 and _is_number(parts[-1]) else None
    if len(parts) > (3 if shots is not None else 2):
        return None
    names = parts[:-1] if shots is not None else parts
    *suites, name = names
    found = SUBJECT.fullmatch(name)
    task, _, subset = (found[1], "", found[2]) if found else name.partition(":")
    return Key(suites[0] if suites else None, task, subset or None, shots)


@lru_cache(maxsize=10_000)
def keys_meant(keys: tuple[str, ...], benchmark: str) -> tuple[str, ...] | MixedSettings:
    """Return which of a report's tasks a benchmark means: the one of exactly this name, or else all that have
    the parts that it names. The score is their mean.
    """
    if benchmark in keys:
        return (benchmark,)
    wanted = key_of(benchmark)
    found: dict[tuple[str | None, int | None], dict[str, Key]] = defaultdict(dict)
    for text in keys:
        key = key_of(text) if SEPARATOR in text or SUBJECT.fullmatch(text) else None
        if key and wanted and _means(wanted, key):
            found[key.suite, key.shots][text] = key
    if len(found) > 1:
        return MixedSettings(tuple(text for group in found.values() for text in group))
    [group] = found.values() or [{}]
    parts = tuple(text for text, key in group.items() if key.subset != AVERAGE)
    return parts or tuple(group)


def metric_key(keys: Collection[str], metric: str) -> str | None:
    """Return which key `metric,filter` a metric means: itself, unfiltered, or in its only filter."""
    for key in (metric, f"{metric},none"):
        if key in keys:
            return key
    filtered = [key for key in keys if key.split(",")[0] == metric]
    return filtered[0] if len(filtered) == 1 else None


def _means(wanted: Key, key: Key) -> bool:
    return wanted.task == key.task and all(
        asked in (None, has)
        for asked, has in zip(
            (wanted.suite, wanted.subset, wanted.shots), (key.suite, key.subset, key.shots), strict=True
        )
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10

"""Finds tasks that a suite names twice. In the merged report, one score would overwrite the other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from lm_eval.tasks import TaskManager

from src.evaluation.lm_eval.tasks.configs import Leaf, leaves
from src.running.suite import Suite


def overlaps(suite: Suite, tasks: TaskManager) -> Iterator[str]:
    """Yield a sentence for each pair of names that stand for the same task, and for each group that contains
    a task twice with different settings. lm_eval also refuses such a pair when it runs both at once.
    """
    held = {name: {key_of(leaf, name): leaf for leaf in leaves(name, tasks)} for name in suite.tasks}
    for one, other in combinations(suite.tasks, 2):
        if common := sorted(held[one].keys() & held[other].keys()):
            yield (
                f"TASKS_HARNESS names the task {common[0]} twice{and_more(common)}: "
                f"{mention(suite, one, held[one][common[0]])}, and "
                f"{mention(suite, other, held[other][common[0]])}. One "
                "score would overwrite the other: remove one of the two."
            )
    for name in suite.tasks:
        if task := held_twice(name, tasks):
            yield (
                f"{name} contains the task {task} twice with different settings, and one score would "
                f"overwrite the other: remove {name} from TASKS_HARNESS, or correct its file."
            )


def held_twice(name: str, tasks: TaskManager) -> str | None:
    """Return a task that a group or tag contains twice with different settings."""
    seen: dict[str, Leaf] = {}
    for leaf in leaves(name, tasks):
        if seen.setdefault(key_of(leaf, name), leaf).config != leaf.config:
            return leaf.name
    return None


def key_of(leaf: Leaf, name: str) -> str:
    """Return how a report names a task. The group's name precedes a task defined in the group's file."""
    return leaf.name if leaf.file else f"{name}::{leaf.name}"


def mention(suite: Suite, name: str, leaf: Leaf) -> str:
    """Return how a sentence names one of the places where a task was found."""
    count = leaf.fewshot(suite.fewshot(name))
    examples = "1 example" if count == 1 else f"{count} examples"
    return f"itself with {examples}" if name == leaf.name else f"in {name} with {examples}"


def and_more(common: list[str]) -> str:
    """Return the number of further tasks that both have, as a part of a sentence."""
    return f" (and {len(common) - 1} more)" if len(common) > 1 else ""

"""What the suite's own settings for every task tell of its faults: GEN_KWARGS, ENABLE_THINKING."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lm_eval.tasks import TaskManager

from src.evaluation.lm_eval.tasks.configs import Leaf, leaves
from src.evaluation.lm_eval.trial.generation import FIELD, wrong_settings
from src.running.suite import Suite

WRITES = "generate_until"
"""lm_eval's `output_type` of tasks that have a model write."""


def faults_in_the_suite(suite: Suite, index: TaskManager) -> Iterator[str]:
    """Yield a sentence for each setting that does not fit the tasks."""
    parts = [leaf for name in suite.tasks if name in index.task_index for leaf in leaves(name, index)]
    yield from _gen_kwargs(suite.gen_kwargs or {}, parts)
    rating = next((leaf.name for leaf in parts if leaf.kind not in (None, WRITES)), None)
    if suite.enable_thinking and rating:
        yield (
            f"ENABLE_THINKING is True, but the task {rating} rates given texts, and lm_eval has models think "
            "only before they write. Set it to False, or remove the task."
        )


def _gen_kwargs(given: Mapping[str, Any], parts: Sequence[Leaf]) -> Iterator[str]:
    """Yield what is wrong with GEN_KWARGS, alone or together with what a task's own file says."""
    if not given:
        return
    if wrong := next(wrong_settings({"temperature": 1.0, **given}), None):
        yield f"GEN_KWARGS {wrong.what}: {wrong.do or 'correct it'}."
        return
    for leaf in parts:
        own = leaf.config.get(FIELD)
        if leaf.kind != WRITES or not isinstance(own, Mapping) or next(wrong_settings(own), None):
            continue
        if wrong := next(wrong_settings({**own, **given}), None):
            yield (
                f"GEN_KWARGS, together with the settings of the task {leaf.name}, {wrong.what}: "
                f"{wrong.do or 'correct it'}."
            )
            return

"""A question of each task for the page, with the right answer, if the owner publishes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from src.evaluation.lm_eval.trial.faults import cut
from src.evaluation.lm_eval.trial.stand_in import wanted
from src.shared.data.backend_description import BackendDescription, Example, TaskDescription

LONGEST_EXAMPLE = 1_500
"""The most characters of a published question, counted from its end. Its answer may have a fifth of that."""


def example_of(task: Any) -> Example:
    """Return the first question as a model sees it, and the right answer, both shortened."""
    instance = task.instances[0]
    kind = getattr(task, "OUTPUT_TYPE", "")
    prompt = instance.args[0] if isinstance(instance.args[0], str) else ""
    answer = "" if kind == "loglikelihood_rolling" else wanted(task, instance.doc)
    return Example(
        question=("…" + prompt[1 - LONGEST_EXAMPLE :] if len(prompt) > LONGEST_EXAMPLE else prompt),
        answer=cut(answer, LONGEST_EXAMPLE // 5),
    )


def with_examples(description: BackendDescription, examples: dict[str, Example]) -> BackendDescription:
    """Add a question of each task."""

    def shown(task: TaskDescription) -> TaskDescription:
        return replace(task, example=examples.get(task.name))

    return replace(description, tasks=tuple(map(shown, description.tasks)))

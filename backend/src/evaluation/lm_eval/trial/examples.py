"""A question of each task for the page, with the right answer, if the owner publishes them."""

from __future__ import annotations

from typing import Any

from src.evaluation.lm_eval.trial.stand_in import wanted
from src.evaluation.own_tasks import shortened
from src.shared.data.backend_description import Example


def example_of(task: Any) -> Example:
    """Return the first question as a model sees it, and the right answer, both shortened."""
    instance = task.instances[0]
    kind = getattr(task, "OUTPUT_TYPE", "")
    prompt = instance.args[0] if isinstance(instance.args[0], str) else ""
    return shortened(prompt, "" if kind == "loglikelihood_rolling" else wanted(task, instance.doc))

"""The chat template of a model: which one is used, and whether it takes what the suite puts into it."""

from __future__ import annotations

from typing import Any

from src.evaluation.failures import Failed, Step, explained
from src.running.job import Job

A_QUESTION = [{"role": "user", "content": "What is 2 + 2?"}]
"""The conversation with which a chat template is tried."""


def check_chat_template(job: Job, tokenizer: Any) -> None:
    """Raise `Failed` if the model has no chat template, or one that fails or drops the system instruction.

    lm_eval drops the instruction with a warning when the template refuses it.
    """
    if not tokenizer.chat_template:
        raise Failed(
            f"{job.model} was submitted with a chat template but has none. Add one, or submit it without."
        )
    named = template_arguments(job, tokenizer)
    with explained(Step.CHAT_TEMPLATE, job):
        prompted(tokenizer, A_QUESTION, named)
    if job.system_instruction and not takes(job.system_instruction, tokenizer, named):
        raise Failed(
            f"The chat template of {job.model} has no place for a system instruction, and this leaderboard "
            "uses one. Add it to the template, or submit the model without its chat template."
        )


def template_arguments(job: Job, tokenizer: Any) -> dict[str, Any]:
    """Return what the template is told: the owner's arguments, and its name if the model has several.

    lm_eval logs the named template, but applies it only if it is among these arguments. Raises `Failed` if
    the model has several and none of this name.
    """
    given = dict((job.model_args or {}).get("chat_template_args") or {})
    if job.enable_thinking is not None:
        given["enable_thinking"] = job.enable_thinking
    templates = tokenizer.chat_template
    if job.chat_template_name is None or not isinstance(templates, dict):
        return given
    if job.chat_template_name not in templates:
        raise Failed(
            f"{job.model} has no chat template named {job.chat_template_name}, which this leaderboard uses. "
            "Add one, or submit the model without its chat template."
        )
    return {**given, "chat_template": job.chat_template_name}


def takes(instruction: str, tokenizer: Any, arguments: dict[str, Any]) -> bool:
    """Return whether a prompt contains the system instruction."""
    try:
        prompt = prompted(tokenizer, [{"role": "system", "content": instruction}, *A_QUESTION], arguments)
    except Exception:  # noqa: BLE001  # a template raises anything
        return False
    return instruction.strip() in prompt


def prompted(tokenizer: Any, turns: list[dict[str, str]], arguments: dict[str, Any]) -> str:
    """Return the prompt that a conversation becomes."""
    prompt: str = tokenizer.apply_chat_template(
        turns, tokenize=False, add_generation_prompt=True, **arguments
    )
    return prompt

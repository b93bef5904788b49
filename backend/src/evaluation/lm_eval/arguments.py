"""The suite's settings as lm_eval's arguments: of the model, and of the evaluation of a task."""

from __future__ import annotations

from typing import Any

from lm_eval.models.utils import resolve_max_length

from src.evaluation.devices import batch_size
from src.evaluation.failures import Failed
from src.evaluation.loading.chat import template_arguments
from src.evaluation.loading.loading import Loaded
from src.running.job import End, Job

USED_WHILE_LOADING = {"attn_implementation", "parallelize"}
"""Arguments for transformers. lm_eval takes them only if it loads the model itself."""


def model_args(job: Job, loaded: Loaded) -> dict[str, Any]:
    """Return the arguments of lm_eval's model besides its name, commit and precision.

    With the same ones, lm_eval's command line computes the same scores. MAX_LENGTH is among them only where
    it is less than the model's own context. Raises `Failed` if the model has no token of a chosen number.
    """
    found = dict(job.model_args or {})
    check_prefix(job, loaded)
    found.pop("chat_template_args", None)
    own = resolve_max_length(loaded.model.config, loaded.tokenizer)
    if job.max_length is not None and job.max_length < own:
        found["max_length"] = job.max_length
    if job.think_end_token is not None:
        found["think_end_token"] = job.think_end_token
    if job.use_chat_template and (arguments := template_arguments(job, loaded.tokenizer)):
        found |= as_settings_of_its_own(arguments)
    return found


def check_prefix(job: Job, loaded: Loaded) -> None:
    """Raise `Failed` if the owner's `prefix_token_id` is the number of no token of the model."""
    given = (job.model_args or {}).get("prefix_token_id")
    if given is not None and given >= (known := embeddings(loaded.model)):
        raise Failed(
            f"{job.model} has {known} tokens, but MODEL_ARGS sets `prefix_token_id` to {given}. The "
            "leaderboard's owner has to remove it; the model is not at fault.",
            End.WORKER,
        )


def embeddings(model: Any) -> int:
    """Return for how many tokens a model has an embedding."""
    return int(model.get_input_embeddings().weight.shape[0])


def as_settings_of_its_own(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return what the chat template is told as lm_eval's arguments. Thinking is one of its own."""
    thinking = {name: value for name, value in arguments.items() if name == "enable_thinking"}
    others = {name: value for name, value in arguments.items() if name not in thinking}
    return thinking | ({"chat_template_args": others} if others else {})


def evaluation_args(job: Job) -> dict[str, Any]:
    """Return lm_eval's arguments for the evaluation of any task of the job."""
    random, numpy, torch, fewshot = job.seeds
    return {
        "limit": job.limit,
        "bootstrap_iters": job.bootstrap_iters,
        "batch_size": None if job.server else batch_size(job),
        "device": None if job.server else job.device,
        "apply_chat_template": chat_template(job),
        "fewshot_as_multiturn": has_turns(job),
        "system_instruction": job.system_instruction,
        "gen_kwargs": dict(job.gen_kwargs) if job.gen_kwargs else None,
        "random_seed": random,
        "numpy_random_seed": numpy,
        "torch_random_seed": torch,
        "fewshot_random_seed": fewshot,
        "confirm_run_unsafe_code": job.confirm_run_unsafe_code,
    }


def chat_template(job: Job) -> bool | str:
    """Return whether prompts go through the chat template, or the name of the one that they go through."""
    return (job.chat_template_name or True) if job.use_chat_template else False


def has_turns(job: Job) -> bool:
    """Return whether examples are earlier turns of a conversation, which needs the chat template."""
    return job.use_chat_template and job.fewshot_as_multiturn is not False

"""What the suite's own settings for every task tell of its faults: GEN_KWARGS, MAX_LENGTH, MODEL_ARGS, …"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from lm_eval.models.utils import normalize_gen_kwargs
from lm_eval.tasks import TaskManager

from src.evaluation.errors import last_line
from src.evaluation.lm_eval.tasks.configs import WRITES, Leaf, leaves
from src.evaluation.lm_eval.trial.generation import FIELD, LENGTHS, wrong_settings
from src.evaluation.served.conversations import CANNOT_RATE
from src.evaluation.served.sampling import not_served
from src.running.inference import Api, Inference
from src.running.suite import Suite


def faults_in_the_suite(suite: Suite, index: TaskManager) -> Iterator[str]:
    """Yield a sentence for each setting that does not fit the tasks."""
    parts = [leaf for name in suite.tasks if name in index.task_index for leaf in leaves(name, index)]
    yield from _gen_kwargs(suite.gen_kwargs or {}, parts)
    yield from _max_length(suite, parts)
    yield from _attention(suite)
    rating = next((leaf.name for leaf in parts if leaf.kind not in (None, WRITES)), None)
    if suite.inference is not Inference.LOCAL:
        yield from _served(suite, parts, rating)
    if suite.enable_thinking and rating:
        yield (
            f"ENABLE_THINKING is True, but the task {rating} rates given texts, and lm_eval has models think "
            "only before they write. Set it to False, or remove the task."
        )


def _served(suite: Suite, parts: Sequence[Leaf], rating: str | None) -> Iterator[str]:
    """Yield a sentence for each thing that the tasks need and a server has no way to do."""
    for leaf in parts:
        own = leaf.config.get(FIELD) or {}
        own = own if leaf.kind == WRITES and isinstance(own, Mapping) else {}
        if lost := not_served({**own, **(suite.gen_kwargs or {})}):
            where = "GEN_KWARGS" if lost[0] in (suite.gen_kwargs or {}) else f"the file of {leaf.name}"
            yield (
                f"The task {leaf.name} has models write with `{lost[0]}`, which a server cannot do. Remove "
                f"it from {where}, or set INFERENCE to local."
            )
            break
    if suite.inference_api is not Api.CHAT:
        return
    if rating:
        yield CANNOT_RATE.format(task=rating)
    if begun := next((leaf.name for leaf in parts if leaf.config.get("gen_prefix")), None):
        yield (
            f"INFERENCE_API is chat, but the task {begun} begins the model's answer (`gen_prefix`), which "
            "only /v1/completions does. Set it to completions, or remove the task."
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


def _max_length(suite: Suite, parts: Sequence[Leaf]) -> Iterator[str]:
    """Yield a sentence if MAX_LENGTH leaves no room for a question beside the answer to a task."""
    if suite.max_length is None:
        return
    for leaf in parts:
        own = leaf.config.get(FIELD) or {}
        if leaf.kind != WRITES or not isinstance(own, Mapping):
            continue
        settings = {**own, **(suite.gen_kwargs or {})}
        if next(wrong_settings(settings), None):
            continue
        length = to_write(settings)
        if length >= suite.max_length:
            yield (
                f"MAX_LENGTH is {suite.max_length}, but the task {leaf.name} has models write up to {length} "
                "tokens, which leaves no room for a question. Set MAX_LENGTH higher, or `max_gen_toks` in "
                "GEN_KWARGS lower."
            )
            return


def to_write(settings: Mapping[str, Any]) -> int:
    """Return how many tokens lm_eval has a model write with these settings."""
    return int(
        normalize_gen_kwargs({name: settings[name] for name in LENGTHS if name in settings})["max_gen_toks"]
    )


def _attention(suite: Suite) -> Iterator[str]:
    """Yield a sentence if this worker cannot compute attention as MODEL_ARGS asks."""
    asked = (suite.model_args or {}).get("attn_implementation")
    if asked and (error := error_of_attention(asked)) is not None:
        yield (
            f"MODEL_ARGS sets `attn_implementation` to {asked}, which this worker cannot use "
            f"({last_line(error)}): add its package to requirements.txt, or choose another."
        )


def error_of_attention(implementation: str) -> Exception | None:
    """Return what goes wrong when a tiny model is made that computes attention in this way."""
    from transformers import LlamaConfig, LlamaForCausalLM  # it takes seconds, and few suites need it

    size = {"num_hidden_layers": 1, "num_attention_heads": 1, "hidden_size": 4, "intermediate_size": 4}
    config = LlamaConfig(**size, vocab_size=8, bos_token_id=None, eos_token_id=None)
    try:
        LlamaForCausalLM._from_config(config, attn_implementation=implementation, dtype=torch.bfloat16)
    except Exception as error:  # noqa: BLE001  # transformers raises anything
        return error
    return None

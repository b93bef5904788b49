"""The suggestions that the form fills in after a lookup. Submitters correct them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from src.model_types import MODEL_TYPES
from src.shared.data.request import ADAPTER, ORIGINAL
from src.shared.models.model_source import ModelFacts
from src.submitting.form import Form

SUGGESTED = ("precision", "weight_type", "base_model", "model_type", "use_chat_template")
"""The fields that a lookup fills in, and may correct."""

PRECISION_OF = {"F16": "float16", "BF16": "bfloat16", "F32": "float32"}
"""By the type that most of the weights have, in safetensors' words."""

REINFORCED = {"dpo", "grpo", "kto", "orpo", "ppo", "rlhf", "rloo", "simpo"}
"""Tags of models that learned from preferences or rewards."""

INSTRUCTED = re.compile(r"(?:^|[-_.])(?:chat|instruct|it|sft)(?:$|[-_.])", re.IGNORECASE)
"""In the name of a model that follows instructions."""


def suggested(
    form: Form,
    facts: ModelFacts,
    *,
    precisions: Sequence[str],
    weight_types: Sequence[str],
    is_chat_only: bool = False,
) -> Form:
    """Return the form with the suggestions of the model's facts, as far as they are on offer.

    `is_chat_only` says that the chat template is used whatever the facts are.
    """
    precision = PRECISION_OF.get(facts.dtype or "", "")
    weight_type = ADAPTER if facts.is_adapter else ORIGINAL
    is_part = weight_type != ORIGINAL
    return replace(
        form,
        precision=precision if precision in precisions else precisions[0],
        weight_type=weight_type if weight_type in weight_types else ORIGINAL,
        base_model=facts.base_models[0] if is_part and len(facts.base_models) == 1 else "",
        model_type=suggested_type(facts),
        # An adapter's template does not count.
        use_chat_template=is_chat_only or (facts.has_chat_template and not is_part),
    )


def suggested_type(facts: ModelFacts) -> str:
    """Guess the model type from tags, chat template, name and base model, in this order."""
    pretrained, tuned, instructed, reinforced = map(str, MODEL_TYPES)
    if REINFORCED & {tag.casefold() for tag in facts.tags}:
        return reinforced
    name = facts.name.rpartition("/")[2]
    if facts.has_chat_template or "conversational" in facts.tags or INSTRUCTED.search(name):
        return instructed
    return tuned if facts.base_models else pretrained

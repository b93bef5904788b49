"""The architectures that transformers can load as causal language models."""

from __future__ import annotations

from collections.abc import Iterator

from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from src.running.inference import Inference
from src.running.suite import Suite


def known_architectures(suite: Suite) -> tuple[str, ...]:
    """Return the architectures to publish; none where a server decides what it can run."""
    return tuple(sorted(set(architectures()))) if suite.inference is Inference.LOCAL else ()


def architectures() -> Iterator[str]:
    """Yield transformers' classes for causal language models. Some of its entries name several."""
    for names in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values():
        yield from [names] if isinstance(names, str) else names

"""The architectures that transformers can load as causal language models."""

from __future__ import annotations

from collections.abc import Iterator

from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES


def known_architectures() -> tuple[str, ...]:
    """Return the classes that transformers can load."""
    return tuple(sorted(set(_architectures())))


def _architectures() -> Iterator[str]:
    """Yield transformers' classes for causal language models. Some of its entries name several."""
    for names in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values():
        yield from [names] if isinstance(names, str) else names

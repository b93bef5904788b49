"""Finds out which quantized weights this worker can load, by asking transformers about each method."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from typing import Any

from transformers.quantizers.auto import AUTO_QUANTIZATION_CONFIG_MAPPING, AUTO_QUANTIZER_MAPPING

from src.running.inference import Inference
from src.running.suite import Suite

BITSANDBYTES = "bitsandbytes"
"""The models' name for transformers' `bitsandbytes_4bit` and `bitsandbytes_8bit`."""

UNUSABLE = (ImportError, RuntimeError, ValueError, TypeError, AttributeError, OSError)
"""What methods raise without their package or hardware. Each has its own way."""


def known_quantizations(suite: Suite) -> tuple[str, ...] | None:
    """Return the methods of quantization to publish; None where a server decides what it can run."""
    return loadable_quantizations(suite.device) if suite.inference is Inference.LOCAL else None


def loadable_quantizations(device: str) -> tuple[str, ...]:
    """Return the methods, by their names in `quant_method`, whose packages and hardware are available."""
    logging.getLogger("transformers.quantizers").setLevel(logging.ERROR)  # each logs what it lacks
    return tuple(sorted(set(_loadable(device))))


def _loadable(device: str) -> Iterator[str]:
    for method, quantizer in AUTO_QUANTIZER_MAPPING.items():
        try:
            made = quantizer(_config(AUTO_QUANTIZATION_CONFIG_MAPPING[method]), pre_quantized=True)
            made.validate_environment(device_map={"": device}, dtype=None)
        except UNUSABLE:
            continue
        yield BITSANDBYTES if method.startswith(BITSANDBYTES) else method


def _config(kind: Any) -> Any:
    """Return a configuration of a method with only its required settings."""
    needed = [
        name
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]
    return kind(**{name: 4 if "bits" in name else None for name in needed})

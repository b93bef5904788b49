"""Precisions: how each is written, and how much memory weights take in it."""

from __future__ import annotations

UNKNOWN = "?"

PRECISIONS = ("float16", "bfloat16", "float32")
"""The precisions that a model can be evaluated in without quantization."""

OTHER_NAMES = {
    "fp16": "float16",
    "half": "float16",
    "f16": "float16",
    "bf16": "bfloat16",
    "fp32": "float32",
    "float": "float32",
    "f32": "float32",
    "fp64": "float64",
    "double": "float64",
    "int8": "8bit",
    "int4": "4bit",
    "gptq": "GPTQ",
    "awq": "AWQ",
    "auto": UNKNOWN,
    "none": UNKNOWN,
    "": UNKNOWN,
}
"""Other names of precisions in requests and reports, in lower case."""

BYTES_PER_PARAMETER = {"float32": 4}
"""Other precisions take two."""


def weights_in_gb(params: float | None, precision: str) -> float | None:
    """Return the size of this many billions of parameters in a precision, or None if the
    number is unknown.
    """
    return None if params is None else params * BYTES_PER_PARAMETER.get(precision, 2)


def precision_name(text: str) -> str:
    """Return the one name that a precision has here: `torch.bfloat16`, `BF16` and `bfloat16` are the same."""
    name = text.strip().lower().removeprefix("torch.").replace("-bit", "bit").replace("_bit", "bit")
    known = {"float16", "bfloat16", "float32", "float64", "8bit", "4bit", *OTHER_NAMES}
    return OTHER_NAMES.get(name, name) if name in known else text.strip().removeprefix("torch.")

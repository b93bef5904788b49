"""How much memory weights take in each precision: both Spaces ask whether a model fits."""

from __future__ import annotations

BYTES_PER_PARAMETER = {"float32": 4}
"""Of the other precisions, two."""


def weights_in_gb(params: float | None, precision: str) -> float | None:
    """The size of so many billions of parameters in a precision; None when their number is not known."""
    return None if params is None else params * BYTES_PER_PARAMETER.get(precision, 2)

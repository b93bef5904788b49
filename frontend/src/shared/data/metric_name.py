"""What the name of a metric says: which direction is better, and whether its scores are fractions of 1."""

from __future__ import annotations

import re

LOWER_WORDS = {
    *("perplexity", "ppl", "bits", "bpb", "bpc", "nll", "loss", "entropy", "brier", "ece"),
    *("rmse", "mse", "mae", "mape", "smape", "rms", "error", "errors", "err", "deviation", "distance"),
    *("wer", "cer", "mer", "ter", "fpr", "fnr", "fdr", "eer"),
    *("latency", "time", "seconds", "duration", "ttft", "tpot", "ms", "cost", "memory"),
    *("toxicity", "hallucination", "hallucinations", "contamination"),
}
"""Lower is better for metrics with one of these words, unless the owner or a report says otherwise."""

HIGHER_WORDS = {"neg", "negative", "inverse", "similarity", "ratio", "reduction"}
"""Words that reverse the meaning of the words above: `neg_mean_squared_error`."""

FRACTIONS_THAT_FALL = {"wer", "cer", "mer", "fpr", "fnr", "fdr", "eer", "toxicity", "contamination"}
"""The lower-is-better metrics that are fractions of 1."""

NUMBER_WORDS = (LOWER_WORDS - FRACTIONS_THAT_FALL) | {"bleu", "chrf", "elo", "rating"}
"""A metric with one of these words is not a fraction, even if its scores are between 0 and 1."""

ROUNDING = 1e-6
"""How far a fraction may be outside ±1: adding 0.1 ten times can give 1.0000000000000002."""


def goes_up(metric: str) -> bool:
    """Return whether higher is better."""
    words = _words(metric)
    return not words & LOWER_WORDS or bool(words & HIGHER_WORDS)


def is_of_fractions(metric: str) -> bool:
    """Return whether its scores are fractions of 1, unless one of them cannot be."""
    return not _words(metric) & NUMBER_WORDS


def could_be_fraction(score: float) -> bool:
    """Return whether a score is within ±1. Some metrics, such as a correlation, fall below 0."""
    return abs(score) <= 1 + ROUNDING


def _words(metric: str) -> set[str]:
    """Return the words in a metric's name, including those separated only by capitals."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", metric)
    return set(re.split(r"[^a-z0-9]+", spaced.lower()))

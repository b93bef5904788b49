"""Finds NaN and infinity in weights, and in the scores that a model gives to words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from transformers import LogitsProcessor

from src.evaluation.failures import Failed
from src.running.job import Job

BYTES_OF_FLOAT8 = 1


def extremes(numbers: Any) -> tuple[float, float]:
    """Return the smallest and largest of a tensor's numbers; both are NaN if the tensor contains NaN.

    This takes one pass without a copy. `torch.isfinite` takes twenty times as long, and as much memory again.
    """
    if not numbers.is_floating_point() or numbers.numel() == 0:
        return 0.0, 0.0
    if numbers.element_size() == BYTES_OF_FLOAT8:
        numbers = numbers.float()
    least, greatest = torch.aminmax(numbers.detach())
    return least.item(), greatest.item()


def not_finite(job: Job) -> Failed:
    """Return the error for NaN or infinity as the probability of a text."""
    return Failed(
        f"{job.model} gives NaN or infinity as the probability of a text in {job.precision}. "
        "Submit it in a precision with a larger range, or repair its weights."
    )


class FiniteScores(LogitsProcessor):  # type: ignore[misc]  # transformers' types are not read.
    """Raises an error when a model that generates text has no best next word. It changes no score.

    With NaN or infinity among the scores, the first or a random word would be chosen. Only the best score is
    checked, because minus infinity is normal for a word that a model never generates. Texts that have ended
    are not checked; they are padded until the others in their batch end.
    """

    def __init__(self, prompt: int, ends: list[int], error: Callable[[], Exception]) -> None:
        self._prompt = prompt
        self._ends = ends
        self._error = error

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return the same scores."""
        is_lost = ~torch.isfinite(scores.amax(-1))
        if is_lost.any():
            ends = torch.tensor(self._ends, device=input_ids.device)
            has_ended = torch.isin(input_ids[:, self._prompt :], ends).any(-1)
            if (is_lost & ~has_ended).any():
                raise self._error()
        return scores
